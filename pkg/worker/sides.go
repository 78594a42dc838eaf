package worker

import (
	"context"

	"github.com/masixun71/cupid-go/pkg/job"
)

// primaries are the servers that decide.
func (c *comparer) primaries() Sides { return Sides{Source: c.w.c.Source, Targets: c.w.c.Targets} }

// sides are where a range is compared. A replica may lack rows that its primary
// has: only the first look at a range is taken there, which a look at the primaries
// follows unless the rows are old (job.Job.ReplicaSlack). One that failed before is not
// risked again.
func (c *comparer) sides(ctx context.Context, r job.LeasedRange) Sides {
	first := r.Range.Scan == job.Insert || r.Range.Scan == job.Update
	if c.w.c.Replicas != nil && first && r.Stalls == 0 && r.Attempts == 0 {
		if s, ok := c.w.c.Replicas.Sides(ctx, r.Range); ok {
			return s
		}
	}
	return c.primaries()
}

// way is how a range is gone through.
type way struct {
	c      *comparer
	r      job.Range
	sides  Sides
	passes []pass
}

func (c *comparer) way(ctx context.Context, r job.LeasedRange) *way {
	s := c.sides(ctx, r)
	return &way{c: c, r: r.Range, sides: s, passes: c.passes(r.Range, s)}
}

// read looks at the beginning of the rest in one of the passes. What cannot be
// read on replicas is read on the primaries, and all that follows.
func (w *way) read(ctx context.Context, n int, rest job.Range) (page, error) {
	p, err := w.passes[n].read(ctx, rest)
	if err == nil || w.sides.Failed == nil || ctx.Err() != nil {
		return p, err
	}
	w.sides.Failed(err)
	w.sides = w.c.primaries()
	w.passes = w.c.passes(w.r, w.sides)
	job.Progress(ctx)
	return w.passes[n].read(ctx, rest)
}
