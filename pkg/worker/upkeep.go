package worker

import (
	"context"
	"time"
)

// longestDelay is the longest that any item of the job may wait.
func (w *Worker) longestDelay() time.Duration {
	longest := max(w.c.Job.ConfirmDelay, time.Hour)
	for _, t := range w.c.Targets {
		longest = max(longest, 2*t.Config.Callback.SlowRetry, 2*t.Config.Callback.Retry, t.Config.Callback.VerifyDelay)
	}
	return longest
}

// promote moves due items to the lists: it sleeps until the next one is due, or
// until it hears that one is due earlier.
func (w *Worker) promote(ctx context.Context) {
	longest := max(10*time.Second, w.c.RangePoll)
	polls := poll{longest: longest}
	failures := 0
	defer w.c.Pulse.End("promoter")
	for ctx.Err() == nil {
		w.c.Pulse.Turn("promoter", longest)
		p, err := w.c.Queue.Promote(ctx, w.longestDelay())
		if err != nil {
			w.refused(ctx, "promote", err)
			failures++
			w.due.wait(ctx, backoff(failures, 10*time.Second))
			continue
		}
		failures = 0
		switch {
		case p.Moved > 0:
			polls.found()
		case p.Next >= 0:
			w.due.wait(ctx, max(min(p.Next, longest), time.Millisecond))
		default:
			w.due.wait(ctx, polls.pause())
		}
	}
}

// reclaim takes back what workers that are gone have leased.
func (w *Worker) reclaim(ctx context.Context) {
	lease := w.c.Queue.Lease()
	failures := 0
	defer w.c.Pulse.End("reclaimer")
	for ctx.Err() == nil {
		w.c.Pulse.Turn("reclaimer", lease)
		r, err := w.c.Queue.Reclaim(ctx)
		if err != nil {
			w.refused(ctx, "reclaim", err)
			failures++
			rest(ctx, backoff(failures, 10*time.Second))
			continue
		}
		failures = 0
		if r.Ranges+r.Callbacks > 0 {
			w.c.Log.Info("leases ended without an answer, the work goes to others", "ranges", r.Ranges, "callbacks", r.Callbacks)
			w.c.Meter.Reclaimed(r)
		}
		// Where nothing is leased, nothing ends before a lease from now. It is looked a little before, as a
		// reclaimer that has not looked for longer waits one lease first.
		pause := lease * 4 / 5
		if r.Next >= 0 {
			pause = min(max(r.Next, 100*time.Millisecond), lease/3)
		}
		rest(ctx, jitter(pause))
	}
}
