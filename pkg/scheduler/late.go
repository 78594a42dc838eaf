package scheduler

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// latePass claims again what was claimed while transactions of its time could
// still be open: ids and update times become visible out of order. A sample is
// due lateCommit after its time.
type latePass struct {
	s *Scheduler
	l Leadership

	owes  atomic.Bool // a sample may have been written since the last look
	rests int         // looks that were left out since
}

// every is how often to look whether a sample is due. A late pass may be a
// little later still, so a long lateCommit is not watched by the second.
func (p *latePass) every() time.Duration {
	return min(max(p.s.c.Job.LateCommit/10, time.Second), 10*time.Second)
}

// tick claims the samples that are old enough. Only who leads writes samples, so that
// after a look that found none there are none until a claim brings one.
func (p *latePass) tick(ctx context.Context) (more bool, err error) {
	const batch = 50
	if !p.owes.Swap(false) && p.rests < maxRests {
		p.rests++
		return false, nil
	}
	p.rests = 0
	samples, err := p.s.c.Queue.Samples(ctx, batch)
	if err != nil || len(samples) > 0 {
		p.owes.Store(true)
	}
	if err != nil || len(samples) == 0 {
		return false, err
	}
	now, zone, err := p.s.c.Table.Clock(ctx)
	if err != nil {
		return false, err
	}
	for _, sample := range samples {
		if now.Sub(sample.Since) < p.s.c.Job.LateCommit {
			return more, nil // the others are younger
		}
		room, err := p.s.room(ctx)
		if err != nil || room == 0 {
			return true, err
		}
		if err := p.claim(ctx, sample, zone, room); err != nil {
			return false, err
		}
		more = true
	}
	return more, nil
}

// claim pushes the sample's ranges; what finds no room stays owed.
func (p *latePass) claim(ctx context.Context, sample job.Sample, zone *time.Location, room int) error {
	r := sample.Range
	slices := [][2]job.Point{{r.After, r.UpTo}}
	if r.UpTo.Timed() {
		slices = plan.Slices(r.After, r.UpTo, zone)
	}
	ranges, err := p.s.cut(ctx, p.s.cutter(r.Scan), slices, room)
	if err != nil {
		return err
	}
	var rest *job.Range
	if reached := ranges[len(ranges)-1].UpTo.UTC(); reached.String() != r.UpTo.UTC().String() {
		rest = &job.Range{Scan: r.Scan, Shard: r.Shard, After: reached, UpTo: r.UpTo}
	}
	if err := p.l.ClaimLate(ctx, sample, ranges, rest); err != nil {
		return err
	}
	p.s.c.Log.Debug("ranges claimed", "scan", r.Scan, "ranges", len(ranges), "upto", ranges[len(ranges)-1].UpTo.String())
	return nil
}

// noting is a leadership that tells the late pass of claims that leave it a sample.
type noting struct {
	Leadership
	late *latePass
}

// Claim is the leadership's. The sample may be there whatever the answer was.
func (n noting) Claim(ctx context.Context, c job.Claim) error {
	err := n.Leadership.Claim(ctx, c)
	if c.Late != nil {
		n.late.owes.Store(true)
	}
	return err
}

// wholeMillis is t or the next whole millisecond: queues keep no finer times, and
// one that was cut off would let a late pass come too early.
func wholeMillis(t time.Time) time.Time {
	return t.Add(time.Millisecond - 1).Truncate(time.Millisecond)
}
