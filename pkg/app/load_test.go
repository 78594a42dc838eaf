package app_test

import (
	"database/sql"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// TestTheFleetAsksADatabaseNoMoreThanItMay looks from the server's side at three
// processes that may ask one query at once, of two databases on one server.
func TestTheFleetAsksADatabaseNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.RangeRows = 50
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(2000)...)
	w.insert(w.far, upTo(1990)...)
	c := w.config(w.job)
	c.Load = job.Load{Queries: 1}
	var most, looks atomic.Int64
	watching := make(chan struct{})
	t.Cleanup(func() { <-watching })
	go func() {
		defer close(watching)
		// The list is no picture of one moment: one query may end and the next begin
		// while it is made. Two that stand in two lists ran at the same time.
		before := map[string]bool{}
		for t.Context().Err() == nil {
			var list sql.NullString
			if err := w.source.DB.QueryRowContext(t.Context(), "SELECT GROUP_CONCAT(QUERY_ID) FROM information_schema.PROCESSLIST"+
				" WHERE DB IN (?, ?) AND COMMAND = 'Query' AND INFO LIKE '%FROM `shop`%' AND ID <> CONNECTION_ID()"+
				// These come behind the answer, when the client may ask the next.
				" AND STATE NOT IN ('', 'Query end', 'End', 'Closing tables', 'Unlocking tables', 'Freeing items', 'Cleaning up', 'Reset for next command')",
				w.source.Name, w.far.Name).Scan(&list); err == nil {
				now, again := map[string]bool{}, int64(0)
				for id := range strings.SplitSeq(list.String, ",") {
					now[id] = true
					if id != "" && before[id] {
						again++
					}
				}
				before = now
				most.Store(max(again, most.Load()))
				looks.Add(1)
			}
		}
	}()
	w.runConfig(app.Scheduler, c)
	for range 2 {
		other := *c
		other.HTTP.Addr = freeAddr(t)
		w.runConfig(app.Worker, &other)
	}
	w.until(func() bool { return w.stat("closed_equal") == 10 }, "the lost rows are repaired")
	w.equal()
	require.LessOrEqual(t, most.Load(), int64(1))
	require.Greater(t, looks.Load(), int64(100))
}

func TestAStrainedDatabaseIsWaitedForAndThisIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, 1)
	c := w.config(w.job)
	// The look itself runs, so one thread is always too many.
	c.Load = job.Load{ThreadsRunning: 1}
	w.runConfig(app.Both, c)
	hold := make(chan struct{})
	sleeping := make(chan struct{})
	go func() {
		defer close(sleeping)
		for open := true; open; {
			select {
			case <-hold:
				open = false
			default:
				_, _ = w.source.DB.ExecContext(t.Context(), "DO SLEEP(1.1)") // threads that run
			}
		}
	}()
	w.until(func() bool { return len(w.log.lines("queries wait", "threads run on it")) > 0 }, "cupid says that it waits")
	close(hold)
	<-sleeping
}
