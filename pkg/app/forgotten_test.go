package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// TestRedisThatComesBackEmptyBeginsAgain loses callbacks that wait for their
// receiver together with the cursor: the scan finds them once more.
func TestRedisThatComesBackEmptyBeginsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	queue := redistest.Start(t, redistest.Options{}) // keeps nothing
	w.server, w.redis.Addrs = queue, []string{queue.Addr}
	const rows = 300
	w.insert(w.source, upTo(rows)...)
	w.job.StartID, w.job.RangeRows = "101", 100
	w.receiver.Behave(callbacktest.Always(http.StatusInternalServerError))
	w.callback().SlowRetry = time.Second
	c := w.config(w.job)
	c.Process.Lease = 4 * time.Second
	w.runConfig(app.Scheduler, c)
	other := w.config(w.job)
	other.Process.Lease = c.Process.Lease
	w.runConfig(app.Worker, other)
	w.receiver.WaitFor(t, rows-100, patience)
	require.Empty(t, w.log.lines("redis has lost its data"), "an empty Redis at the start is no loss")

	queue.Kill(t)
	queue.Restart(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, rows+1, rows+2)
	w.done(rows + 2 - 100)
	w.until(func() bool { return len(w.receiver.Counts("id")) == rows+2-100 }, "rows from the start id on are called")
	w.until(func() bool { return len(w.log.lines("redis has lost its data")) == 1 }, "one process says so, once")
	w.alerted("forgotten")
	require.Equal(t, rowsOf(t, w.source, "SELECT id, number, name FROM shop WHERE id > 100 ORDER BY id"),
		rowsOf(t, w.far, "SELECT id, number, name FROM shop ORDER BY id"))
}
