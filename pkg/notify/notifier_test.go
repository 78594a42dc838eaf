package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// recorder is a channel whose messages carry the time since its start.
type recorder struct {
	start time.Time
	mu    sync.Mutex
	told  []string
	err   error
	hang  bool
}

func (r *recorder) send(ctx context.Context, m message) error {
	if r.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	r.told = append(r.told, fmt.Sprintf("%s %s", time.Since(r.start), m.title))
	return nil
}

func (r *recorder) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *recorder) messages() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := r.told
	r.told = nil
	return told
}

// with adds a channel to a notifier that does not run yet.
func with(n *Notifier, kind string, r *recorder) *recorder {
	r.start = time.Now()
	n.add(Channel{Place: "alerts." + kind, Kind: kind, send: r.send})
	return r
}

// setup starts a notifier with the default times and one channel, inside a synctest bubble.
func setup(t *testing.T) (*Notifier, *recorder) {
	t.Helper()
	n, err := New(Config{}, Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	r := with(n, "test", &recorder{})
	n.Start()
	t.Cleanup(func() { require.NoError(t, n.Stop(t.Context())) })
	return n, r
}

// after waits until d has passed and everything has settled.
func after(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

// slow is news of callbacks in the slow queue of a job.
func slow(name string, count int) Order {
	return Order{Telling: job.Telling{News: job.NewsOn, First: true, Alert: job.Alert{
		Kind: job.AlertSlow, Job: name, Destination: "far", Count: count, Code: "http_500",
	}}}
}

const slowTitle = "cupid %s -> far: %d callback(s) failed on every fast retry and wait in the slow queue"

func TestFailedMessageIsTriedAgainUntilANewerOneComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, told := setup(t)
		told.set(errors.New("down"))
		n.Tell(t.Context(), slow("a", 1))
		n.Tell(t.Context(), slow("b", 1))
		after(time.Second)
		n.Tell(t.Context(), slow("a", 2))
		after(30 * time.Second)
		told.set(nil)
		after(time.Minute)
		require.ElementsMatch(t, []string{"35s " + fmt.Sprintf(slowTitle, "a", 2), "35s " + fmt.Sprintf(slowTitle, "b", 1)}, told.messages(), "after pauses of 5, 10 and 20 s")
	})
}

func TestMessageThatIsTooOldIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, told := setup(t)
		var dropped atomic.Int64
		n.lines[0].meter.OnDropped = func(string) { dropped.Add(1) }
		told.set(errors.New("down"))
		n.Tell(t.Context(), slow("a", 1))
		after(12 * time.Minute)
		told.set(nil)
		after(time.Hour)
		require.Empty(t, told.messages())
		require.EqualValues(t, 1, dropped.Load())
	})
}

func TestToldIsSaidOnceByTheFirstChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Config{}, Options{Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		ill := with(n, "ill", &recorder{err: errors.New("down")})
		well := with(n, "well", &recorder{})
		n.Start()
		var said atomic.Int64
		o := slow("a", 1)
		o.Within, o.Told = 20*time.Second, func(context.Context) { said.Add(1) }
		n.Tell(t.Context(), o)
		after(time.Minute)
		require.EqualValues(t, 1, said.Load())
		require.Len(t, well.messages(), 1)
		ill.set(nil)
		after(time.Minute)
		require.Len(t, ill.messages(), 1, "a message that one channel took is told by the others as well")
		require.EqualValues(t, 1, said.Load())
		require.NoError(t, n.Stop(t.Context()))
	})
}

func TestMessageThatNoChannelTakesIsLeftToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, told := setup(t)
		told.set(errors.New("down"))
		o := slow("a", 1)
		o.Within, o.Told = 20*time.Second, func(context.Context) { t.Error("nobody was told") }
		n.Tell(t.Context(), o)
		after(30 * time.Second)
		told.set(nil)
		after(time.Hour)
		require.Empty(t, told.messages())
	})
}

func TestHangingChannelHoldsNobodyBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Config{}, Options{Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		with(n, "dead", &recorder{hang: true})
		told := with(n, "well", &recorder{})
		n.Start()
		start := time.Now()
		for i := range 1000 {
			n.Tell(t.Context(), slow(strconv.Itoa(i), 1))
		}
		require.Equal(t, start, time.Now())
		after(6 * time.Second) // the one sends, the other hangs
		require.Len(t, told.messages(), 1000)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		require.ErrorIs(t, n.Stop(ctx), context.DeadlineExceeded)
		require.Equal(t, 8*time.Second, time.Since(start), "the stop ends with its context")
	})
}

func TestWaitingMessagesAreBounded(t *testing.T) {
	t.Parallel()
	var dropped int
	l := newLine(Channel{}, time.Hour, Meter{OnDropped: func(string) { dropped++ }}, slog.New(slog.DiscardHandler))
	for i := range maxWaiting + 10 {
		l.add(&sending{id: job.AlertID{Job: strconv.Itoa(i)}, came: time.Now()})
	}
	require.Len(t, l.waiting, maxWaiting)
	require.Equal(t, "10", l.waiting[0].id.Job, "the oldest went")
	require.Equal(t, 10, dropped)
}

func TestDeadChannelIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out lines
		var sent, failed atomic.Int64
		n, err := New(Config{}, Options{Log: slog.New(slog.NewTextHandler(&out, nil)), Meter: Meter{
			OnSent: func(string) { sent.Add(1) }, OnFailed: func(string) { failed.Add(1) },
		}})
		require.NoError(t, err)
		told := with(n, "dead", &recorder{err: errors.New("it answered 500")})
		n.Start()
		require.Equal(t, []string{"dead"}, n.Kinds())
		require.Empty(t, n.Failing())
		for i := range 20 {
			n.Tell(t.Context(), slow(strconv.Itoa(i), 1))
		}
		after(2 * time.Minute)
		require.Equal(t, 3, strings.Count(out.String(), `msg="alerts are not sent, they are tried again" channel=alerts.dead kind=dead error="it answered 500"`), "at 0, 35 and 75 s")
		require.EqualValues(t, 5, failed.Load())
		require.Equal(t, []string{"alerts.dead: it answered 500"}, n.Failing())
		told.set(nil)
		after(time.Minute)
		require.EqualValues(t, 20, sent.Load())
		require.Equal(t, 1, strings.Count(out.String(), `msg="alerts are sent again"`))
		require.Empty(t, n.Failing())
		require.NoError(t, n.Stop(t.Context()))
	})
}

func TestStopTellsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, err := New(Config{}, Options{Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		told := with(n, "test", &recorder{})
		said := 0
		o := slow("a", 1)
		o.Told = func(context.Context) { said++ }
		n.Tell(t.Context(), o)
		require.NoError(t, n.Stop(t.Context()))
		require.Equal(t, []string{"0s " + fmt.Sprintf(slowTitle, "a", 1)}, told.messages())
		require.Equal(t, 1, said)
		require.NoError(t, n.Stop(t.Context()))
		n.Start()
		n.Tell(t.Context(), slow("a", 1))
		after(time.Minute)
		require.Empty(t, told.messages(), "a stopped notifier stays stopped")
	})
}

func TestStartAndStopAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		n, err := New(Config{}, Options{Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		with(n, "test", &recorder{})
		var all sync.WaitGroup
		for range 10 {
			all.Go(n.Start)
			all.Go(func() { n.Tell(t.Context(), slow("a", 1)) })
			all.Go(func() { _ = n.Stop(t.Context()) })
		}
		all.Wait()
		require.NoError(t, n.Stop(t.Context()))
	}
}

// lines counts what is logged while others log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestLogHasEveryAlertAlsoWithoutChannel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n, err := New(Config{}, Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
	require.NoError(t, err)
	said := 0
	o := slow("a", 2)
	o.Told = func(context.Context) { said++ }
	n.Tell(t.Context(), o)
	o.First = false
	n.Tell(t.Context(), o)
	o.First, o.News, o.For = true, job.NewsAgain, 10*time.Minute
	n.Tell(t.Context(), o)
	o.News, o.Count, o.Code = job.NewsOver, 0, ""
	n.Tell(t.Context(), o)
	require.Equal(t, 4, said, "the log is all there is")
	want := []string{
		`level=WARN msg=alert kind=slow job=a destination=far count=2 code=http_500 for=0s`,
		`level=WARN msg="alert goes on" kind=slow job=a destination=far count=2 code=http_500 for=10m0s`,
		`level=INFO msg="alert is over" kind=slow job=a destination=far count=0 code="" for=10m0s`,
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, got, len(want), "what somebody else was to tell is in his log")
	for i := range want {
		require.Contains(t, got[i], want[i])
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	news := slow("shop", 2).Telling
	require.Equal(t, message{
		fmt.Sprintf(slowTitle, "shop", 2),
		"Last error: http_500\n\nThey are retried until they succeed. Look at the receiver.",
	}, Language("").message(news), "English unless told otherwise")
	require.Equal(t, message{
		"cupid shop -> far：2 个回调快速重试全部失败，已进入慢队列",
		"最近一次错误：http_500\n\n会一直重试到成功为止。请检查接收方。",
	}, Chinese.message(news))
	news.News, news.For = job.NewsAgain, 65*time.Minute
	require.Equal(t, "cupid shop -> far: still, after 1h5m: 2 callback(s) failed on every fast retry and wait in the slow queue", English.title(news))
	require.Equal(t, "cupid shop -> far：已持续 1h5m，仍然是：2 个回调快速重试全部失败，已进入慢队列", Chinese.title(news))
	news.News = job.NewsOver
	require.Equal(t, message{"cupid shop -> far: over: no callback is slow any more", "People knew of it for 1h5m."}, English.message(news))
	require.Equal(t, message{"cupid shop -> far：已恢复：慢队列里已没有失败的回调", "从告警到恢复共 1h5m。"}, Chinese.message(news))

	fleet := job.Telling{Alert: job.Alert{Kind: job.AlertBreaker, Destination: "receiver:80"}, News: job.NewsOn}
	require.Equal(t, "receiver:80: the receiver fails all the time and is left alone for a while", English.Say(fleet))
	require.Equal(t, "cupid Redis: 90 % of its maxmemory is used", English.title(job.Telling{Alert: job.Alert{Kind: job.AlertMemory, Count: 90}}))
	require.Equal(t, "cupid shop: news: 3", English.title(job.Telling{Alert: job.Alert{Kind: "news", Job: "shop", Count: 3}}))
	for d, want := range map[time.Duration]string{0: "0s", 59 * time.Second: "59s", time.Minute: "1m", 10*time.Minute + 20*time.Second: "10m", 3 * time.Hour: "3h", 50 * time.Hour: "50h"} {
		require.Equal(t, want, lasting(d))
	}
}

// Every kind has its sentences in every language.
func TestEveryKindIsSaid(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../job/alert.go")
	require.NoError(t, err)
	kinds := regexp.MustCompile(`AlertKind = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	require.NotEmpty(t, kinds)
	for language, w := range languages {
		require.Len(t, w.alerts, len(kinds), language)
		for _, kind := range kinds {
			s, ok := w.alerts[job.AlertKind(kind[1])]
			require.True(t, ok, "%s in %s", kind[1], language)
			for _, news := range []job.News{job.NewsOn, job.NewsAgain, job.NewsOver} {
				if news == job.NewsOver && kind[1] == string(job.AlertForgotten) {
					continue // it is over when it is told
				}
				said := language.message(job.Telling{Alert: job.Alert{Kind: job.AlertKind(kind[1]), Job: "j", Count: 7}, News: news, For: time.Minute})
				require.NotContains(t, said.title+said.body, "%!", "%s in %s", kind[1], language)
				require.NotEmpty(t, said.body)
			}
			require.Equal(t, kind[1] == string(job.AlertForgotten), s.over == "", "%s in %s", kind[1], language)
		}
	}
}
