package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// TestADeadReceiverCostsNoAttemptsAndIsCalledAgainWhenItIsBack has two workers.
func TestADeadReceiverCostsNoAttemptsAndIsCalledAgainWhenItIsBack(t *testing.T) {
	t.Parallel()
	const rows = 300
	w := newWorld(t)
	w.callback().Limit = job.Calls{BreakAfter: 5}
	w.callback().Concurrency = 4
	w.receiver.Behave(callbacktest.Always(http.StatusServiceUnavailable))
	w.insert(w.source, upTo(rows)...)
	w.fleet()
	w.run(app.Worker)
	w.until(func() bool { return len(w.log.lines("is left alone")) > 0 }, "the breaker opens")
	w.alertedOf("kind=breaker")
	w.until(func() bool { return w.waiting(job.Slow) > rows*3/4 }, "what waits for it for three retry intervals is slow")
	w.alertedOf("kind=slow")
	attempts := w.receiver.Count()
	require.LessOrEqual(t, attempts, 40, "of 300 rows most cost no attempt")
	pass(2 * time.Second)
	require.LessOrEqual(t, w.receiver.Count(), attempts+2, "it is tried now and then")

	w.receiver.Behave(w.repairing())
	back := time.Now()
	w.until(func() bool { return w.stat("closed_equal") == rows }, "all rows are repaired, although the slow queue waits an hour")
	require.Less(t, time.Since(back), time.Minute)
	w.equal()
	w.until(func() bool { return len(w.work()) == 0 }, "nothing is left")
	require.Len(t, w.log.lines("msg=alert", "kind=breaker"), 1, "of all processes one tells")
	require.Len(t, w.log.lines("msg=alert", "kind=slow"), 1)
}

func TestARateLimitIsKeptByAllWorkersTogether(t *testing.T) {
	t.Parallel()
	const rows, rate = 120, 40
	w := newWorld(t)
	w.callback().Limit = job.Calls{PerSecond: rate, AtOnce: 3}
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(rows)...)
	w.run(app.Scheduler)
	for range 3 {
		w.run(app.Worker)
	}
	w.until(func() bool { return w.stat("closed_equal") == rows }, "all rows are repaired")
	received := w.receiver.Received()
	times := make([]time.Time, len(received))
	for i, r := range received {
		times[i] = r.At
	}
	slices.SortFunc(times, time.Time.Compare)
	for i := range times {
		within := 0
		for _, at := range times[i:] {
			if at.Sub(times[i]) < time.Second {
				within++
			}
		}
		require.LessOrEqual(t, within, rate+3, "in one second")
	}
}

func TestAReceiverThatHangsDoesNotSlowAnother(t *testing.T) {
	t.Parallel()
	const rows = 400
	w := newWorld(t)
	w.callback().Timeout, w.callback().Limit = 500*time.Millisecond, job.Calls{BreakAfter: 5}
	w.receiver.Behave(w.repairing())
	hanging := callbacktest.New(t, callbacktest.HangRate(1, 1, callbacktest.Always(http.StatusOK)))
	other := w.job.Destinations[0]
	other.Name, other.Callback.URL = "near", hanging.URL
	w.job.Destinations = append(w.job.Destinations, other) // the same table, told to another receiver
	w.fleet()
	began := time.Now()
	w.insert(w.source, upTo(rows)...)
	w.until(func() bool { return w.receiver.Count() >= rows }, "the receiver that answers has had all")
	require.Less(t, time.Since(began), 20*time.Second)
	w.until(func() bool {
		return len(w.log.lines("is left alone", "destination=near")) > 0 || w.stat("closed_equal") == 2*rows
	},
		fmt.Sprintf("the other is left alone (%d POSTs), or was not needed", hanging.Count()))
	require.Less(t, hanging.Count(), rows/2)
}

// alertedOf requires at least one alert.
func (w *world) alertedOf(kind string) {
	w.t.Helper()
	w.until(func() bool { return len(w.log.lines("msg=alert", kind)) > 0 }, "an alert of "+kind)
}
