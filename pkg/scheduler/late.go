package scheduler

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// owed says whether a late pass may be owed, so that an idle job asks nobody.
type owed struct{ some atomic.Bool }

func (o *owed) add() { o.some.Store(true) }

func (o *owed) addIf(is bool) {
	if is {
		o.add()
	}
}

// latePass claims again what was claimed while transactions of its time could
// still be open: ids and update times become visible out of order.
type latePass struct {
	s    *Scheduler
	l    Leadership
	owed *owed
}

// tick claims the samples that are old enough.
func (p *latePass) tick(ctx context.Context) (more bool, err error) {
	const batch = 50
	if !p.owed.some.Load() {
		return false, nil
	}
	now, zone, err := p.s.c.Table.Clock(ctx)
	if err != nil {
		return false, err
	}
	// Cleared before the look: a sample that is added meanwhile sets it again.
	p.owed.some.Store(false)
	samples, err := p.s.c.Queue.Samples(ctx, batch)
	p.owed.addIf(err != nil || len(samples) > 0)
	if err != nil {
		return false, err
	}
	for _, sample := range samples {
		if now.Sub(sample.Since) < p.s.delay(sample.Range.Scan) {
			continue
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
