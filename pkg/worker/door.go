package worker

import (
	"context"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// askEvery is how often a deliverer without work looks how its receiver fares: what
// became slow is due when the breaker has closed, also when the worker that saw it
// close is gone. It is more seldom where the polls are, with many jobs.
func (o *door) askEvery() time.Duration { return max(20*time.Second, 6*o.d.w.c.CallbackPoll) }

// door is where a deliverer asks for leave before it leases callbacks: what waits
// for a receiver that is slow or gone waits on the list, where it holds no lease
// and costs no attempt.
type door struct {
	d        *deliverer
	receiver Receiver
	asked    time.Time // when it was last asked how the receiver fares
	closed   time.Time // the closing of the breaker that was heeded
	streak   streak
	pace     pace
}

func newDoor(d *deliverer) *door {
	r := d.t.Receiver
	if r == nil {
		r = unbounded{}
	}
	return &door{d: d, receiver: r}
}

// enter gives a round where callbacks are due and the receiver may be called.
// Without one, wait is in how long to ask again, 0 for the next poll.
func (o *door) enter(ctx context.Context, polls *poll) (r *round, wait time.Duration, err error) {
	d := o.d
	if limit := d.t.Config.Callback.Limit.BreakAfter; limit > 0 && o.streak.failures.Load() >= int64(limit) {
		return nil, 50 * time.Millisecond, nil // the rounds in hand end, and tell
	}
	due, err := d.w.c.Queue.DueCallbacks(ctx, d.t.Config.Name)
	if err != nil {
		return nil, 0, err
	}
	if due == 0 && !o.streak.open.Load() && time.Since(o.asked) < o.askEvery() {
		return nil, 0, nil
	}
	atOnce := max(d.t.Config.Callback.Concurrency, 1)
	entry, err := o.receiver.Enter(ctx, atOnce, min(max(due, 1), o.pace.batch(atOnce)))
	if err != nil {
		return nil, 0, err
	}
	if err := o.heed(ctx, entry); err != nil {
		return nil, 0, err
	}
	switch {
	case entry.Slots > 0 && due > 0:
		return newRound(entry, d.t.Config.Callback.Limit.BreakAfter, &o.streak), 0, nil
	case entry.Slots > 0: // it only looked how the receiver fares
		o.leave(ctx, newRound(entry, 0, &o.streak))
		if o.streak.open.Load() { // whose next probe is one of those that wait in the slow queue
			err = d.w.c.Queue.HastenCallbacks(ctx, d.t.Config.Name, false)
		}
		return nil, 0, err
	}
	polls.found()
	if moved, err := o.hold(ctx, entry); err != nil || moved {
		return nil, time.Millisecond, err
	}
	return nil, min(entry.Wait, 5*time.Second), nil
}

// leave ends a round. A leave that cannot be told ends by itself.
func (o *door) leave(ctx context.Context, r *round) {
	turn, err := o.receiver.Leave(ctx, r.entry, r.outcome())
	o.streak.failures.Store(0) // the others know of them now
	switch turn {
	case job.BreakerOpened, job.BreakerOpen:
		o.streak.open.Store(true)
	case job.BreakerClosed:
		o.streak.open.Store(false)
	}
	d := o.d
	switch {
	case err != nil && ctx.Err() == nil:
		d.log.Info("what came of a round of callbacks could not be told to the other workers", "error", err)
	case turn == job.BreakerOpened:
		d.log.Warn("the receiver fails all the time and is left alone for a while, it is tried now and then", "code", r.outcome().Code)
		d.w.c.Trouble()
	case turn == job.BreakerClosed:
		d.log.Info("the receiver answers again")
		d.w.c.Trouble()
	}
}

// heed makes due what became slow while a receiver was gone that is back. Every
// deliverer does so by itself, also one of another job or process, and one that
// was started since.
func (o *door) heed(ctx context.Context, e job.Entry) error {
	o.asked = time.Now()
	o.streak.open.Store(!e.Opened.IsZero())
	if !e.Closed.After(o.closed) {
		return nil
	}
	if err := o.d.w.c.Queue.HastenCallbacks(ctx, o.d.t.Config.Name, true); err != nil {
		return err
	}
	o.closed = e.Closed
	return nil
}

// hold moves callbacks to the slow queue that wait for a receiver which has been
// left alone for as long as the first three retries would have taken.
func (o *door) hold(ctx context.Context, e job.Entry) (moved bool, err error) {
	c := o.d.t.Config.Callback
	if e.Opened.IsZero() || e.Now.Sub(e.Opened) < fastRetries*c.Retry {
		return false, nil
	}
	n, err := o.d.w.c.Queue.HoldCallbacks(ctx, o.d.t.Config.Name, "breaker", c.SlowRetry, leaseBatch)
	if n > 0 {
		o.d.w.c.Trouble()
	}
	return n > 0, err
}
