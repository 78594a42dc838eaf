package worker

import (
	"context"

	"github.com/masixun71/cupid-go/pkg/job"
)

// brake tells the brakes of destinations what a page has shown, before its differences
// are put: no difference can be confirmed that was not counted. A brake that was not
// told judges by the other pages; a range that is compared again is counted again.
func (c *comparer) brake(ctx context.Context, targets []Target, p page) {
	for _, t := range targets {
		most := t.Config.Callback.Brake
		if most == 0 || p.rows == 0 {
			continue
		}
		s := job.Share{Compared: p.rows}
		for _, d := range p.differences {
			if d.Destination == t.Config.Name {
				s.Different++
			}
		}
		if _, err := c.w.c.Queue.Brake(ctx, t.Config.Name, most, s); err != nil {
			c.w.c.Log.Info("a brake was not told of compared rows", "destination", t.Config.Name, "error", err)
		}
	}
}

// brake asks, before anything of a batch is sent, whether too much differs. Then what
// was to be sent goes back, and nothing more is fetched until somebody resumes the
// destination.
func (d *deliverer) brake(ctx context.Context, pending []pendingPost, waits []decision) (held bool, err error) {
	most := d.t.Config.Callback.Brake
	if most == 0 {
		return false, nil
	}
	var s job.Share
	for _, p := range pending {
		if p.callback.Phase == job.Confirm {
			s.There++
		}
	}
	for _, w := range waits {
		if w.settle.Callback.Phase == job.Confirm && w.settle.To == job.Closed {
			s.Gone++
		}
	}
	return d.w.c.Queue.Brake(ctx, d.t.Config.Name, most, s)
}
