package worker

import (
	"context"
	"errors"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// A range that ends its workers, or that no run finishes, is narrowed down: first it
// runs alone, then it is divided, and what cannot be divided is set aside.

// enter takes the slots that a range runs under and gives the way to give them
// back. One is held already; a suspect waits until it is alone, so that no other
// range is blamed for what it does.
func (c *comparer) enter(stop context.Context, r job.LeasedRange) (leave func(), err error) {
	slots := c.w.c.Slots
	if r.Stalls < job.StallsAlone {
		return slots.give, nil
	}
	defer c.keeper.wait(r.ID)()
	if err := slots.takeAll(stop); err != nil {
		return func() {}, err
	}
	c.w.c.Log.Debug("a range that failed before runs alone", "range", r.ID, "stalls", r.Stalls)
	return slots.giveAll, nil
}

// divide puts the parts of a range in its place, or sets it aside.
func (c *comparer) divide(ctx context.Context, r job.LeasedRange) error {
	log := c.w.c.Log.With("range", r.ID, "stalls", r.Stalls)
	parts, err := plan.Split(job.WithProgress(ctx, func() { c.keeper.progress(r.ID) }), c.w.c.Index, r.Range)
	switch {
	case errors.Is(err, job.ErrUnreadable):
		log.Warn("a range that no run finishes cannot be divided", "error", err)
	case err != nil:
		return err
	case len(parts) > 1:
		if err := c.w.c.Queue.SplitRange(ctx, r, parts); err != nil {
			return err
		}
		log.Warn("a range that no run finishes was divided", "parts", len(parts))
		return nil
	}
	if err := c.w.c.Queue.ParkRange(ctx, r, ""); err != nil {
		return err
	}
	log.Warn("a range that no run finishes was set aside and is tried again now and then", "times", r.Parked+1)
	c.w.c.Trouble()
	return nil
}

// well says whether the databases are, so that what cannot be read is itself to blame.
func (w *Worker) well(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return w.c.Probe(ctx) == nil
}

// probeTime bounds the question whether the databases are well.
const probeTime = 5 * time.Second

// again says how a range is tried again after an error. It is blamed for it only when the
// databases answered and are well: one that is down or overloaded does no range harm.
func (c *comparer) again(ctx context.Context, r job.LeasedRange, err error) job.Again {
	again := job.Again{Delay: backoff(r.Attempts+1, time.Minute), Code: "compare"}
	switch {
	case errors.Is(err, job.ErrPortion):
		again.Code = "portion"
	case isLimit(err):
		again.Code = "full"
	case isDown(err):
		again.Code = "down"
	case errors.Is(err, job.ErrUnreadable):
		again.Code, again.Blamed = "unreadable", c.w.well(ctx)
	}
	return again
}

func isLimit(err error) bool {
	_, is := errors.AsType[*job.LimitError](err)
	return is
}

func isDown(err error) bool {
	_, is := errors.AsType[*job.DownError](err)
	return is
}
