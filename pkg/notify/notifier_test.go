package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	n.lines = append(n.lines, newLine(Channel{Place: "alerts." + kind, Kind: kind, send: r.send}, n.repeat, n.meter, n.log))
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

var slow = job.Alert{Kind: job.AlertSlow, Job: "db.user", Destination: "db2.user", Count: 2, Code: "http_500"}

const slowTitle = "cupid db.user -> db2.user: %d callback(s) failed on every fast retry and wait in the slow queue"

func TestAlertsAreGroupedAndRepeatedAtIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, told := setup(t)
		n.Notify(slow)
		after(3 * time.Second)
		n.Notify(slow)
		n.Notify(job.Alert{Kind: job.AlertBacklog, Job: "db.user", Count: 9})
		after(1900 * time.Millisecond)
		require.Empty(t, told.messages(), "the window is still open")
		after(100 * time.Millisecond)
		require.Equal(t, []string{"5s " + fmt.Sprintf(slowTitle, 4)}, told.messages())
		after(3 * time.Second)
		require.Equal(t, []string{"8s cupid db.user: the backlog has reached its limit (9 open)"}, told.messages(), "another kind has its own window")

		n.Notify(slow)
		after(5 * time.Minute)
		n.Notify(slow)
		require.Empty(t, told.messages(), "within the interval nothing is repeated")
		after(5 * time.Minute)
		require.Equal(t, []string{"10m5s " + fmt.Sprintf(slowTitle, 4)}, told.messages())

		after(20 * time.Minute)
		require.Empty(t, told.messages(), "nothing came, nothing is told")
		n.Notify(slow)
		after(5 * time.Second)
		require.Len(t, told.messages(), 1, "a group that was quiet for an interval is new again")
	})
}

func size(n *Notifier) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.groups)
}

func TestQuietGroupsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, _ := setup(t)
		for i := range maxGroups + 10 {
			n.Notify(job.Alert{Kind: job.AlertSlow, Job: fmt.Sprint(i)})
		}
		require.Equal(t, maxGroups, size(n))
		after(time.Hour)
		require.Zero(t, size(n))
	})
}

func TestFailedMessageIsTriedAgainUntilANewerOneComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, told := setup(t)
		told.set(errors.New("down"))
		n.Notify(slow)
		after(time.Minute)
		told.set(nil)
		after(time.Minute)
		require.Equal(t, []string{"1m20s " + fmt.Sprintf(slowTitle, 2)}, told.messages(), "5 s window, then pauses of 5, 10, 20 and 40 s")
		told.set(errors.New("down"))
		n.Notify(slow)
		after(9 * time.Minute)
		n.Notify(slow)
		after(10 * time.Minute)
		told.set(nil)
		after(time.Minute)
		require.Len(t, told.messages(), 1, "the newer message took the place of the one that waited")
		after(time.Hour)
		require.Empty(t, told.messages())
	})
}

func TestMessageThatIsTooOldIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, told := setup(t)
		var dropped atomic.Int64
		n.lines[0].meter.OnDropped = func(string) { dropped.Add(1) }
		told.set(errors.New("down"))
		n.Notify(slow)
		after(12 * time.Minute)
		told.set(nil)
		after(time.Hour)
		require.Empty(t, told.messages())
		require.EqualValues(t, 1, dropped.Load())
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
		for range 1000 {
			n.Notify(slow)
		}
		after(6 * time.Second) // the one sends, the other hangs
		require.Equal(t, []string{"5s " + fmt.Sprintf(slowTitle, 2000)}, told.messages())
		n.Notify(slow)
		require.Equal(t, 6*time.Second, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		require.ErrorIs(t, n.Stop(ctx), context.DeadlineExceeded)
		require.Equal(t, 8*time.Second, time.Since(start), "the stop ends with its context")
		require.Len(t, told.messages(), 1, "what waited was told by the other")
	})
}

func TestWaitingMessagesAreBounded(t *testing.T) {
	t.Parallel()
	l := newLine(Channel{}, time.Hour, Meter{}, slog.New(slog.DiscardHandler))
	for i := range maxWaiting + 10 {
		l.add(waiting{subject: groupID{job: strconv.Itoa(i)}, came: time.Now()})
	}
	require.Len(t, l.waiting, maxWaiting)
	require.Equal(t, "10", l.waiting[0].subject.job, "the oldest went")
}

func TestDeadChannelIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out lines
		var sent, failed atomic.Int64
		n, err := New(Config{}, Options{Log: slog.New(slog.NewTextHandler(&out, nil)), Meter: Meter{
			OnSent: func(kind string) { sent.Add(1) }, OnFailed: func(kind string) { failed.Add(1) },
		}})
		require.NoError(t, err)
		told := with(n, "dead", &recorder{err: errors.New("it answered 500")})
		n.Start()
		require.Equal(t, []string{"dead"}, n.Kinds())
		require.Empty(t, n.Failing())
		for i := range 20 {
			n.Notify(job.Alert{Kind: job.AlertSlow, Job: strconv.Itoa(i)})
		}
		after(2*time.Minute + time.Second)
		require.Equal(t, 3, strings.Count(out.String(), `msg="alerts are not sent, they are tried again" channel=alerts.dead kind=dead error="it answered 500"`), "at 5, 40 and 80 s")
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
		n, told := setup(t)
		n.Notify(slow)
		require.NoError(t, n.Stop(t.Context()))
		require.Equal(t, []string{"0s " + fmt.Sprintf(slowTitle, 2)}, told.messages())
		require.NoError(t, n.Stop(t.Context()))
		n.Start()
		n.Notify(slow)
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
			all.Go(func() { n.Notify(slow) })
			all.Go(func() { _ = n.Stop(t.Context()) })
		}
		all.Wait()
		require.NoError(t, n.Stop(t.Context()))
	}
}

func TestLogLineComesAtOnceAlsoWithoutChannel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	n, err := New(Config{}, Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
	require.NoError(t, err)
	n.Start()
	n.Notify(slow)
	require.Contains(t, out.String(), `level=WARN msg=alert kind=slow job=db.user destination=db2.user count=2 code=http_500`)
	n.Notify(slow)
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "what follows waits for the interval")
	require.NoError(t, n.Stop(t.Context()))
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

func TestLogTellsAtIntervalsWhatFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out lines
		n, err := New(Config{}, Options{Log: slog.New(slog.NewTextHandler(&out, nil))})
		require.NoError(t, err)
		n.Start()
		for range 100 {
			n.Notify(slow)
		}
		after(time.Minute)
		for range 50 {
			n.Notify(slow)
		}
		require.Equal(t, 1, strings.Count(out.String(), "\n"))
		after(time.Hour)
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
		require.Contains(t, out.String(), "count=100 ")
		require.NoError(t, n.Stop(t.Context()))
	})
}

func TestText(t *testing.T) {
	t.Parallel()
	a := slow
	a.Detail = "The host is receiver:80."
	require.Equal(t, message{
		fmt.Sprintf(slowTitle, 2),
		"Last error: http_500\n\nThe host is receiver:80.\n\nThey are retried until they succeed. Look at the receiver.",
	}, Language("").message(a), "English unless told otherwise")
	require.Equal(t, message{
		"cupid db.user -> db2.user：2 个回调快速重试全部失败，已进入慢队列",
		"最近一次错误：http_500\n\n会一直重试到成功为止。请检查接收方。",
	}, Chinese.message(slow))
	require.Equal(t, "cupid db.user: brake: 3", English.title(job.Alert{Kind: "brake", Job: "db.user", Count: 3}))
	require.Equal(t, "cupid db.user：Redis 已用掉 maxmemory 的 90 %", Chinese.title(job.Alert{Kind: job.AlertMemory, Job: "db.user", Count: 90}))
}

// Every kind has its sentence in every language.
func TestEveryKindIsSaid(t *testing.T) {
	t.Parallel()
	for language, w := range languages {
		for kind := range languages[English].alerts {
			said := language.message(job.Alert{Kind: kind, Job: "j", Count: 7})
			require.NotContains(t, said.title, string(kind)+w.colon, "%s in %s", kind, language)
			require.NotContains(t, said.title+said.body, "%!", "%s in %s", kind, language)
			require.NotEmpty(t, said.body, "%s in %s", kind, language)
		}
		require.Len(t, w.alerts, len(languages[English].alerts), language)
	}
}
