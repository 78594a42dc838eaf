package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
)

// people read what a webhook is sent.
type people struct {
	url string

	mu     sync.Mutex
	titles []string
}

func newPeople(t *testing.T) *people {
	t.Helper()
	p := &people{}
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var said struct{ Title, Message string }
		_ = json.Unmarshal(text, &said)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.titles = append(p.titles, said.Title)
	}))
	t.Cleanup(s.Close)
	p.url = "generic+" + s.URL + "/?template=json"
	return p
}

func (p *people) heard(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, title := range p.titles {
		if strings.Contains(title, what) {
			n++
		}
	}
	return n
}

// telling is a config whose alerts go to an address.
func (w *world) telling(url string) *config.Config {
	c := w.config(w.job)
	c.Alerts = notify.Config{URLs: []job.Secret{job.NewSecret(url)}}
	return c
}

func (w *world) status() app.Status {
	w.t.Helper()
	s, err := app.FleetStatus(w.t.Context(), w.redis)
	require.NoError(w.t, err)
	return s
}

// events are those of a kind of the world's job.
func (w *world) events(kind job.EventKind) (found []job.Event) {
	w.t.Helper()
	b := broker.Open(w.redis, broker.Options{})
	defer b.Close()
	all, err := b.Events(w.t.Context(), w.job.Name, 100)
	require.NoError(w.t, err)
	for _, e := range all {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// later lets time go by for what people were told of.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	ctx, key := w.t.Context(), w.key("told")
	for field, value := range w.server.Client.HGetAll(ctx, key).Val() {
		var word string
		var last, since int64
		if n, _ := fmt.Sscanf(value, "%s %d since %d", &word, &last, &since); n == 3 {
			value = fmt.Sprintf("%s %d since %d", word, last-d.Milliseconds(), since-d.Milliseconds())
		} else if n, _ := fmt.Sscanf(value, "%d by %s", &last, &word); n == 2 {
			value = fmt.Sprintf("%d by %s", last-d.Milliseconds(), word)
		}
		require.NoError(w.t, w.server.Client.HSet(ctx, key, field, value).Err())
	}
}

// Callbacks fail in a process that cannot tell anybody. It ends; another one, which
// has seen nothing of it, tells people, once, and of the end.
func TestAnAlertOutlivesTheProcessThatCausedIt(t *testing.T) {
	t.Parallel()
	const rows = 20
	w := newWorld(t)
	w.callback().SlowRetry = time.Second
	w.receiver.Behave(callbacktest.Always(http.StatusInternalServerError))
	w.insert(w.source, upTo(rows)...)
	gone := httptest.NewServer(nil)
	gone.Close()
	first := w.runConfig(app.Both, w.telling("generic+"+gone.URL+"/hook/geheim"))
	w.until(func() bool { return len(w.log.lines("alerts are not sent")) > 0 }, "the first process tries to tell")
	w.alerted("kind=slow")
	w.until(func() bool {
		for _, p := range w.status().Processes {
			if strings.Contains(p.Unsent, "alerts.urls[0]: connection refused") {
				return true
			}
		}
		return false
	}, "the fleet knows that the channel does not work")
	w.until(func() bool {
		return w.server.Client.SCard(t.Context(), w.key("troubled:slow:far")).Val() == rows
	}, "every callback has failed on the fast retries")
	require.NoError(t, first.stop())
	require.NotContains(t, w.log.String(), "geheim")
	w.later(broker.TellWithin)

	reads := newPeople(t)
	for range 2 {
		w.runConfig(app.Worker, w.telling(reads.url))
	}
	const slow = "cupid shop -> far: 20 callback(s) failed on every fast retry"
	w.until(func() bool { return reads.heard(slow) == 1 }, "people hear of it")
	w.until(func() bool { return len(w.status().Jobs) == 1 && !w.status().Jobs[0].Told["slow:far"].IsZero() }, "it is noted that they know")
	pass(7 * time.Second)
	require.Equal(t, 1, reads.heard("cupid"), "once")

	w.later(10 * time.Minute)
	w.until(func() bool { return reads.heard("still, after 1") == 1 }, "people hear of it again")
	w.until(func() bool { return !w.server.Client.HExists(t.Context(), w.key("told"), "claim:slow:far").Val() }, "it is noted that they heard")
	w.later(time.Minute)
	w.receiver.Behave(w.repairing())
	w.until(func() bool { return reads.heard("cupid shop -> far: over: no callback is slow any more") == 1 }, "people hear that it is over")
	require.Equal(t, 3, reads.heard("cupid"))
	w.until(func() bool { return len(w.status().Jobs[0].Told) == 0 }, "it is noted that they know of the end")
	w.until(func() bool { return len(w.events(job.EventAlertOver)) == 1 }, "the events have the end")
	require.Len(t, w.events(job.EventAlertRaised), 1)
}

// A channel is counted from the start on.
func TestChannelsAreCountedFromZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.runConfig(app.Worker, w.telling(newPeople(t).url))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr()+"/metrics", nil)
	require.NoError(t, err)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for _, outcome := range []string{"sent", "failed", "dropped"} {
		require.Contains(t, string(text), fmt.Sprintf("cupid_alert_messages_total{channel=\"generic\",outcome=%q} 0\n", outcome))
	}
}
