package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// get is the status that the process' own server answers with; 0 when it does not.
func (p *process) get(t *testing.T, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr()+path, http.NoBody)
	require.NoError(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// TestServersThatAreDownAreWaitedFor begins before both servers do, and ends
// them in the middle of the work.
func TestServersThatAreDownAreWaitedFor(t *testing.T) {
	t.Parallel()
	database := mysqltest.Start(t, mysqltest.Options{Durable: true})
	queue := redistest.Start(t, redistest.Options{AOF: true})
	w := bareWorld(t, database.Database(t), database.Database(t), queue)
	w.source.Exec(t, table)
	w.far.Exec(t, table)
	const rows = 600
	w.insert(w.source, upTo(rows)...)
	database.Stop(t)
	queue.Stop(t)

	w.job.RangeRows = 100
	w.callback().Concurrency, w.callback().Timeout = 4, time.Second
	w.receiver.Behave(w.repairing())
	c := w.config(w.job)
	c.Process.Lease = 4 * time.Second
	p := w.runConfig(app.Both, c)
	w.until(func() bool { return len(w.log.lines("waiting for a server", "what=redis")) == 1 }, "it waits for Redis")
	require.Equal(t, http.StatusOK, p.get(t, "/livez"))
	require.Equal(t, http.StatusServiceUnavailable, p.get(t, "/readyz"))
	queue.Restart(t)
	w.until(func() bool { return len(w.log.lines("waiting for a server", "databases of job shop")) == 1 }, "it waits for the database")
	require.Equal(t, http.StatusServiceUnavailable, p.get(t, "/readyz"))
	database.Restart(t)
	w.until(func() bool { return p.get(t, "/readyz") == http.StatusOK }, "it is ready")

	thing := "database " + database.Addr
	require.Len(t, w.log.lines("it answers again", "what=redis"), 1)
	require.Len(t, w.log.lines("it answers again", thing), 1)
	w.until(func() bool { return w.receiver.Count() > rows/10 }, "it is at work")
	queue.Kill(t)
	w.until(func() bool { return p.get(t, "/readyz") == http.StatusServiceUnavailable }, "it is not ready without Redis")
	queue.Restart(t)
	w.until(func() bool { return p.get(t, "/readyz") == http.StatusOK }, "it is ready again")
	w.until(func() bool { return w.receiver.Count() > rows/3 }, "it goes on")
	database.Kill(t)
	w.until(func() bool {
		ready, why := p.Ready(t.Context())
		return !ready && strings.Contains(why, thing)
	}, "it is not ready without its database")
	require.Equal(t, http.StatusOK, p.get(t, "/livez"))
	began := time.Now()
	w.until(func() bool { return time.Since(began) > 3*time.Second }, "many attempts fail")
	require.LessOrEqual(t, len(w.log.lines("level=WARN", "connect: connection refused", database.Addr)), 2, "one line in 30 s")
	database.Restart(t)
	w.until(func() bool { return p.get(t, "/readyz") == http.StatusOK }, "it is ready again")

	w.until(func() bool { return w.stat("closed_equal") >= rows }, "every row is closed")
	w.done(rows)
	w.equal()
	counts := w.receiver.Counts("id")
	require.Len(t, counts, rows)
	for key := range counts {
		require.Contains(t, []int{1, 2}, key.Type)
	}
	require.NoError(t, p.stop())
}

// TestStopUnderLoadReturnsInTime stops in the middle of comparing and of POSTs that hang.
func TestStopUnderLoadReturnsInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, upTo(2000)...)
	w.receiver.Behave(func(int, callbacktest.Body) callbacktest.Reply { return callbacktest.Reply{Hang: true} })
	w.callback().Timeout = 5 * time.Second
	w.job.RangeRows = 100
	c := w.config(w.job)
	c.Process.ShutdownTimeout = 3 * time.Second
	p := w.runConfig(app.Both, c)
	w.receiver.WaitFor(t, w.callback().Concurrency, patience)
	began := time.Now()
	p.cancel()
	require.NoError(t, p.wait())
	require.Less(t, time.Since(began), c.Process.ShutdownTimeout)

	require.Zero(t, w.server.Client.ZCard(t.Context(), w.key("callbacks:leased")).Val(), "all leases were given back")
	require.Zero(t, w.server.Client.ZCard(t.Context(), w.key("ranges:leased")).Val())
	for id := 1; id <= 2000; id++ {
		if item := w.item(id); len(item) > 0 {
			require.Equal(t, "0", item["attempts"])
		}
	}
}
