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
	cutter *plan.Cutter
	said   bool   // where it begins
	owed   string // the cursor for whose last moments a late pass was asked for

	done  *job.Point // the cursor, when the last look found nothing behind it
	rests int        // looks since it was read
}

// tick claims from the cursor to the last moment that is over.
func (u *updateScan) tick(ctx context.Context) (more bool, err error) {
	if rests, err := u.resting(ctx); rests || err != nil {
		return false, err
	}
	cursor, known, err := u.s.c.Queue.Cursor(ctx, job.Update, u.s.c.Job.Source.Shard)
	if err != nil {
		return false, err
	}
	now, upto, zone, err := u.clock(ctx)
	if err != nil {
		return false, err
	}
	if !known {
		cursor = u.begin(upto)
		u.s.begins(job.Update, cursor, &u.said)
	}
	if known {
		u.s.updated = &cursor
	}
	if cursor.At.After(upto) {
		return false, u.fallBack(ctx, cursor, upto)
	}
	if cursor.String() == job.TimePoint(upto).String() {
		u.s.lag(job.Update, 0)
		return false, nil
	}
	slices := plan.Slices(cursor, job.TimePoint(upto), zone)
	found, err := u.anyRow(ctx, slices)
	if err != nil {
		return false, err
	}
	if !found {
		u.s.lag(job.Update, 0)
		if known {
			u.done, u.rests = &cursor, restsBefore()
		}
		return false, u.pass(ctx, cursor, known, upto)
	}
	u.s.lag(job.Update, int64(upto.Sub(cursor.At).Seconds()))
	reached, err := u.claim(ctx, cursor, known, slices, now)
	if err != nil {
		return false, err
	}
	u.s.updated = &reached
	u.s.lag(job.Update, int64(upto.Sub(reached.At).Seconds()))
	return reached.String() != job.TimePoint(upto).String(), nil
}

// clock is the database's, and up to when the scan may look by it.
func (u *updateScan) clock(ctx context.Context) (now, upto time.Time, zone *time.Location, err error) {
	now, zone, err = u.s.c.Table.RecentClock(ctx)
	return now, plan.Closed(now.Add(-u.s.c.Job.ReplicaHold()), u.s.c.Table.UpdateUnit()), zone, err
}

// resting reports whether nothing has come since the cursor was last read, and it
// need not be moved: then the queue need not be asked for it.
func (u *updateScan) resting(ctx context.Context) (bool, error) {
	if u.done == nil || u.rests >= maxRests {
		u.done = nil
		return false, nil
	}
	_, upto, zone, err := u.clock(ctx)
	if err != nil {
		return false, err
	}
	if !upto.After(u.done.At) || u.passable(*u.done, upto) {
		u.done = nil
		return false, nil
	}
	for _, slice := range plan.Slices(*u.done, job.TimePoint(upto), zone) {
		if quiet, err := u.s.c.Table.Quiet(ctx, slice[0], slice[1]); !quiet || err != nil {
			u.done = nil
			return false, err
		}
	}
	u.rests++
	u.s.lag(job.Update, 0)
	return true, nil
}

// begin is where a scan without a saved cursor begins: a window ago (one of 0
// still needs a stretch), or where this process knows that it was before the queue
// lost its data; the late pass was lost with it.
func (u *updateScan) begin(upto time.Time) job.Point {
	at := upto.Add(-max(u.s.c.Job.Update.Window, time.Second))
	if last := u.s.updated; last != nil && last.At.Add(-u.delay()).Before(at) {
		at = last.At.Add(-u.delay())
	}
	return job.TimePoint(at)
}

// fallBack moves a cursor that lies in the future down to before the clock: the
// database's clock was set back, and what is written now must be seen, and also
// what was written between that and this look. A step of less than the jitter (a
// source of several servers takes such all the time) is left to a late pass.
func (u *updateScan) fallBack(ctx context.Context, cursor job.Point, upto time.Time) error {
	const jitter = 2 * time.Second
	if cursor.At.Sub(upto) < jitter {
		return u.owe(ctx, cursor, jitter)
	}
	u.s.c.Log.Warn("the update cursor lies in the future of the database's clock, which was set back; the cursor falls back",
		"cursor", cursor.String(), "clock", upto)
	return u.l.Claim(ctx, job.Claim{
		Scan: job.Update, Shard: u.s.c.Job.Source.Shard, From: &cursor, To: job.TimePoint(upto.Add(-u.delay())),
	})
}

// owe asks for a late pass over the moments before the cursor that the clock gives
// once more: the cursor may have come there without one.
func (u *updateScan) owe(ctx context.Context, cursor job.Point, moments time.Duration) error {
	if u.owed == cursor.String() {
		return nil
	}
	unit, shard := u.s.c.Table.UpdateUnit(), u.s.c.Job.Source.Shard
	late := job.Range{Scan: job.UpdateLate, Shard: shard, After: job.TimePoint(cursor.At.Add(-moments - unit)).UTC(), UpTo: cursor.UTC()}
	err := u.l.Claim(ctx, job.Claim{
		Scan: job.Update, Shard: shard, From: &cursor, To: cursor, Late: &late, LateSince: u.lateSince(cursor),
	})
	if err == nil {
		u.owed = cursor.String()
	}
	return err
}

// lateSince is the time of a sample up to a point: samples are due lateCommit after
// their time; a longer delay makes it a later time.
func (u *updateScan) lateSince(upto job.Point) time.Time {
	return wholeMillis(upto.At.Add(u.s.c.Table.UpdateUnit() + u.delay() - u.s.c.Job.LateCommit))
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
	over := upto.Add(-u.delay())
	if known && !u.passable(cursor, upto) {
		return nil
	}
	u.done = nil
	if !known {
		over = cursor.At
	}
	c := job.Claim{Scan: job.Update, Shard: u.s.c.Job.Source.Shard, To: job.TimePoint(over)}
	if known {
		c.From = &cursor
	}
	return u.l.Claim(ctx, c)
}

// passable reports whether so much time is over that moving the cursor is worth it.
func (u *updateScan) passable(cursor job.Point, upto time.Time) bool {
	return upto.Add(-u.delay()).Sub(cursor.At) >= u.delay()
}

// delay is how long after an update time was taken its row may become visible.
func (u *updateScan) delay() time.Duration {
	return max(u.s.c.Job.LateCommit, u.s.c.Job.Update.Window)
}

// claim claims one batch and says how far it came.
func (u *updateScan) claim(ctx context.Context, cursor job.Point, known bool, slices [][2]job.Point, now time.Time) (reached job.Point, err error) {
	room, err := u.s.room(ctx)
	if err != nil || room == 0 {
		return cursor, err
	}
	ranges, err := u.s.cut(ctx, u.cutter, slices, room)
	if err != nil {
		return cursor, err
	}
	c := job.Claim{Scan: job.Update, Shard: u.s.c.Job.Source.Shard, To: ranges[len(ranges)-1].UpTo.UTC(), Ranges: ranges}
	if known {
		c.From = &cursor
	}
	u.addLate(&c, cursor, now)
	if err := u.l.Claim(ctx, c); err != nil {
		return cursor, err
	}
	u.s.c.Log.Debug("ranges claimed", "scan", job.Update, "ranges", len(ranges), "upto", c.To.String())
	return c.To, nil
}

// addLate asks for a late pass over the part of the claim that is not settled
// yet. A time that the column shows may have been taken until its unit was over.
func (u *updateScan) addLate(c *job.Claim, cursor job.Point, now time.Time) {
	unit := u.s.c.Table.UpdateUnit()
	settled := plan.Closed(now.Add(-u.delay()-u.s.c.Job.ReplicaSlack()), unit)
	if !c.To.At.After(settled) {
		return
	}
	from := cursor
	if from.At.Before(settled) {
		from = job.TimePoint(settled)
	}
	c.Late = &job.Range{Scan: job.UpdateLate, Shard: c.Shard, After: from.UTC(), UpTo: c.To}
	c.LateSince = u.lateSince(c.To)
}
