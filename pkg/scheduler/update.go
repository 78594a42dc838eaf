package scheduler

import (
	"context"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// updateScan claims slices of the database's clock.
type updateScan struct {
	s      *Scheduler
	l      Leadership
	owed   *owed
	cutter *plan.Cutter
}

// tick claims from the cursor to the last moment that is over.
func (u *updateScan) tick(ctx context.Context) (more bool, err error) {
	j := u.s.c.Job
	cursor, known, err := u.s.c.Queue.Cursor(ctx, job.Update, j.Source.Shard)
	if err != nil {
		return false, err
	}
	now, zone, err := u.s.c.Table.Clock(ctx)
	if err != nil {
		return false, err
	}
	upto := plan.Closed(now, u.s.c.Table.UpdateUnit())
	if !known {
		cursor = job.TimePoint(upto.Add(-j.Update.Window))
	}
	if !cursor.At.Before(upto) {
		return false, u.fallBack(ctx, cursor, upto)
	}
	slices := plan.Slices(cursor, job.TimePoint(upto), zone)
	found, err := u.anyRow(ctx, slices)
	if err != nil {
		return false, err
	}
	if !found {
		u.s.lag(job.Update, 0)
		return false, u.pass(ctx, cursor, known, upto)
	}
	u.s.lag(job.Update, int64(upto.Sub(cursor.At).Seconds()))
	return u.claim(ctx, cursor, known, slices, now)
}

// fallBack moves a cursor that lies in the future down to the clock: the
// database's clock was set back, and what is written now must be seen.
func (u *updateScan) fallBack(ctx context.Context, cursor job.Point, upto time.Time) error {
	const jitter = 2 * time.Second
	if cursor.At.Sub(upto) < jitter {
		return nil
	}
	u.s.c.Log.Warn("the update cursor lies in the future of the database's clock, which was set back; the cursor falls back",
		"cursor", cursor.String(), "clock", upto)
	return u.l.Claim(ctx, job.Claim{Scan: job.Update, Shard: u.s.c.Job.Source.Shard, From: &cursor, To: job.TimePoint(upto)})
}

// anyRow asks whether anything was updated: an idle table claims nothing.
func (u *updateScan) anyRow(ctx context.Context, slices [][2]job.Point) (bool, error) {
	for _, s := range slices {
		if _, found, err := u.s.c.Table.Step(ctx, job.Update, s[0], s[1], 1); err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// pass moves the cursor over time in which nothing was updated, but only so far
// that nothing can still be committed there: that look was the late pass as well.
func (u *updateScan) pass(ctx context.Context, cursor job.Point, known bool, upto time.Time) error {
	over := upto.Add(-u.s.delay(job.UpdateLate))
	if known && over.Sub(cursor.At) < u.s.delay(job.UpdateLate) {
		return nil
	}
	if !known {
		over = cursor.At
	}
	c := job.Claim{Scan: job.Update, Shard: u.s.c.Job.Source.Shard, To: job.TimePoint(over)}
	if known {
		c.From = &cursor
	}
	return u.l.Claim(ctx, c)
}

func (u *updateScan) claim(ctx context.Context, cursor job.Point, known bool, slices [][2]job.Point, now time.Time) (more bool, err error) {
	shard := u.s.c.Job.Source.Shard
	room, err := u.s.room(ctx)
	if err != nil || room == 0 {
		return true, err
	}
	ranges, err := u.s.cut(ctx, u.cutter, slices, room)
	if err != nil {
		return false, err
	}
	c := job.Claim{Scan: job.Update, Shard: shard, To: ranges[len(ranges)-1].UpTo.UTC(), Ranges: ranges}
	if known {
		c.From = &cursor
	}
	if settled := now.Add(-u.s.delay(job.UpdateLate)); c.To.At.After(settled) {
		from := cursor
		if from.At.Before(settled) {
			from = job.TimePoint(settled)
		}
		c.Late = &job.Range{Scan: job.UpdateLate, Shard: shard, After: from.UTC(), UpTo: c.To}
		c.LateSince = c.To.At
	}
	if err := u.l.Claim(ctx, c); err != nil {
		return false, err
	}
	u.owed.addIf(c.Late != nil)
	u.s.c.Log.Debug("ranges claimed", "scan", job.Update, "ranges", len(ranges), "upto", c.To.String())
	return c.To.String() != job.TimePoint(slices[len(slices)-1][1].At).UTC().String(), nil
}
