package scheduler

import (
	"context"
	"errors"
	"math/big"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// insertScan claims rows with new scan keys.
type insertScan struct {
	s      *Scheduler
	l      Leadership
	owed   *owed
	cutter *plan.Cutter
	// targets are greatest keys that were read and not reached yet, the oldest
	// first; at most two, since the newest stands for all between.
	targets []target
}

// target is the greatest key at a time: every id up to it was taken before then.
type target struct {
	top  job.Point
	at   time.Time // on the database's clock
	read time.Time // the same moment on this process's monotonic clock
}

// now is the database's clock, carried on by this process's.
func (t target) now() time.Time { return t.at.Add(time.Since(t.read)) }

// tick claims from the cursor to the greatest key. more says that it stopped
// before, because enough ranges wait or one batch was claimed.
func (i *insertScan) tick(ctx context.Context) (more bool, err error) {
	j := i.s.c.Job
	cursor, known, err := i.s.c.Queue.Cursor(ctx, job.Insert, j.Source.Shard)
	if err != nil {
		return false, err
	}
	if !known {
		cursor = startPoint(j.StartID, i.s.c.Table.NumericKey())
	}
	top, found, behind, err := i.s.c.Table.Bounds(ctx, cursor)
	switch {
	case err != nil:
		return false, err
	case known && (behind || !found && !cursor.Open()):
		return false, i.fallBack(ctx, cursor, top)
	case !found, behind, top.String() == cursor.String():
		i.s.lag(job.Insert, 0)
		return false, nil
	}
	if behind, ok := plan.Width(cursor, top); ok && behind.IsInt64() {
		i.s.lag(job.Insert, behind.Int64())
	}
	if err := i.aim(ctx, top); err != nil {
		return false, err
	}
	return i.claim(ctx, cursor, known)
}

// startPoint is the lower end before the start id, which is inclusive.
func startPoint(id string, numeric bool) job.Point {
	if id == "" {
		return job.Point{}
	}
	if !numeric {
		return job.KeyPoint(id)
	}
	n, ok := new(big.Int).SetString(id, 10)
	if !ok || n.Sign() == 0 {
		return job.Point{}
	}
	return job.KeyPoint(n.Sub(n, big.NewInt(1)).String())
}

// fallBack moves the cursor down to the greatest key: the table was truncated
// or restored, or another server took over. Ids that come again must be seen again.
func (i *insertScan) fallBack(ctx context.Context, cursor, top job.Point) error {
	i.targets = nil
	i.s.c.Log.Warn("the greatest scan key is below the cursor: rows were deleted, or the table was truncated or restored; the cursor falls back",
		"cursor", cursor.String(), "greatest", top.String())
	return i.l.Claim(ctx, job.Claim{Scan: job.Insert, Shard: i.s.c.Job.Source.Shard, From: &cursor, To: top})
}

// aim notes the greatest key. The clock is read after it, so that every id up to
// it was taken before that time.
func (i *insertScan) aim(ctx context.Context, top job.Point) error {
	now, _, err := i.s.c.Table.Clock(ctx)
	if err != nil {
		return err
	}
	t := target{top: top, at: now, read: time.Now()}
	switch n := len(i.targets); {
	case n > 0 && i.targets[n-1].top.String() == top.String(): // the older reading knows more
	case n == 2:
		i.targets[1] = t
	default:
		i.targets = append(i.targets, t)
	}
	return nil
}

func (i *insertScan) claim(ctx context.Context, cursor job.Point, known bool) (more bool, err error) {
	j := i.s.c.Job
	room, err := i.s.room(ctx)
	if err != nil || room == 0 {
		return true, err
	}
	aimed := i.targets[0]
	ranges, err := i.cutter.Cut(ctx, cursor, aimed.top, room)
	if err != nil {
		return false, err
	}
	c := job.Claim{Scan: job.Insert, Shard: j.Source.Shard, To: ranges[len(ranges)-1].UpTo, Ranges: ranges}
	if known {
		c.From = &cursor
	}
	// Who compares later than lateCommit after the ids were taken sees them all at once.
	if aimed.now().Sub(aimed.at) < j.LateCommit {
		c.Late = &job.Range{Scan: job.InsertLate, Shard: j.Source.Shard, After: cursor, UpTo: c.To}
		c.LateSince = aimed.at
	}
	if err := i.l.Claim(ctx, c); err != nil {
		i.adopt(err)
		return false, err
	}
	i.owed.addIf(c.Late != nil)
	i.s.c.Log.Debug("ranges claimed", "scan", job.Insert, "ranges", len(ranges), "upto", c.To.String())
	if c.To.String() == aimed.top.String() {
		i.targets = i.targets[1:]
	}
	return len(i.targets) > 0, nil
}

// adopt forgets what was aimed at when somebody else has moved the cursor; the
// next tick reads it anew.
func (i *insertScan) adopt(err error) {
	var moved *job.CursorError
	if errors.As(err, &moved) {
		i.targets = nil
	}
}
