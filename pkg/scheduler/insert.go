package scheduler

import (
	"context"
	"math/big"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// insertScan claims rows with new scan keys.
type insertScan struct {
	s      *Scheduler
	l      Leadership
	cutter *plan.Cutter
	aim    *target // nil when there is nothing to go on with
	said   bool    // where it begins

	done  *job.Point // the cursor, when the last look found it at the greatest key
	rests int        // looks since it was read
}

// maxRests is how many looks in a row trust the cursor that was read before. They
// claim nothing, so that an old one does no harm.
const maxRests = 9

// restsBefore is how many rests to leave out, so that not all jobs read their cursors
// at the same look.
func restsBefore() int { return rand.N(maxRests / 3) }

// target is the greatest key at a time: every id up to it was taken before then.
// A scan keeps its target until it is reached, so that a long catch-up knows
// which ids are older than any open transaction.
type target struct {
	top  job.Point
	from job.Point // the cursor from where the scan goes on; elsewhere it aims anew
	at   time.Time // on the database's clock
	read time.Time // the same moment on this process's monotonic clock
}

// age is how long ago the greatest key was read, by the clock that nobody sets.
func (t target) age() time.Duration { return time.Since(t.read) }

// tick claims from the cursor to the greatest key. more says that it stopped
// before, because enough ranges wait or one batch was claimed.
func (i *insertScan) tick(ctx context.Context) (more bool, err error) {
	j := i.s.c.Job
	if rests, err := i.resting(ctx); rests || err != nil {
		return false, err
	}
	cursor, known, err := i.s.c.Queue.Cursor(ctx, job.Insert, j.Source.Shard)
	if err != nil {
		return false, err
	}
	if !known {
		cursor = startPoint(j.StartID, i.s.c.Table.NumericKey())
		i.s.begins(job.Insert, cursor, &i.said)
	}
	top, found, behind, err := i.s.c.Table.Bounds(ctx, cursor)
	switch {
	case err != nil:
		return false, err
	case known && (behind || !found && !cursor.Open()):
		return false, i.fallBack(ctx, cursor, top)
	case !found, behind, top.String() == cursor.String():
		i.s.lag(job.Insert, 0)
		if known && found && !behind {
			i.done, i.rests = &cursor, restsBefore()
		}
		return false, nil
	}
	i.lag(cursor, top)
	if i.aim == nil || i.aim.from.String() != cursor.String() {
		if i.aim, err = i.newTarget(ctx, cursor, top); err != nil {
			return false, err
		}
	}
	reached, more, err := i.claim(ctx, cursor, known)
	if err == nil {
		i.lag(reached, top)
	}
	return more, err
}

// resting reports whether nothing has come since the cursor was last read: then
// the queue need not be asked for it.
func (i *insertScan) resting(ctx context.Context) (bool, error) {
	if i.done == nil || i.rests >= maxRests {
		i.done = nil
		return false, nil
	}
	if still, err := i.s.c.Table.Still(ctx, *i.done); !still || err != nil {
		i.done = nil
		return false, err
	}
	i.rests++
	i.s.lag(job.Insert, 0)
	return true, nil
}

// lag says how many ids the scan is behind; of texts nobody can say.
func (i *insertScan) lag(cursor, top job.Point) {
	if behind, ok := plan.Width(cursor, top); ok && behind.IsInt64() && i.cutter.Numeric {
		i.s.lag(job.Insert, max(0, behind.Int64()))
	}
}

// startPoint is a lower end before the start id, which is inclusive.
func startPoint(id string, numeric bool) job.Point {
	if numeric {
		n, ok := new(big.Int).SetString(id, 10)
		if !ok || n.Sign() == 0 {
			return job.Point{}
		}
		return job.KeyPoint(n.Sub(n, big.NewInt(1)).String())
	}
	// A text has no predecessor. What stands before its last letter or digit sorts
	// before it in every collation, and few other keys lie between.
	last := strings.LastIndexFunc(id, func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
	})
	if last <= 0 {
		return job.Point{}
	}
	return job.KeyPoint(id[:last])
}

// fallBack moves the cursor down to the greatest key: the table was truncated
// or restored, or another server took over. Ids that come again must be seen again.
func (i *insertScan) fallBack(ctx context.Context, cursor, top job.Point) error {
	i.aim = nil
	i.s.c.Log.Warn("the greatest scan key is below the cursor: rows were deleted, or the table was truncated or restored; the cursor falls back",
		"cursor", cursor.String(), "greatest", top.String())
	return i.l.Claim(ctx, job.Claim{Scan: job.Insert, Shard: i.s.c.Job.Source.Shard, From: &cursor, To: top})
}

// newTarget reads the clock after the greatest key was read, so that every id up
// to it was taken before that time.
func (i *insertScan) newTarget(ctx context.Context, cursor, top job.Point) (*target, error) {
	now, _, err := i.s.c.Table.Clock(ctx)
	if err != nil {
		return nil, err
	}
	return &target{top: top, from: cursor, at: now, read: time.Now()}, nil
}

// claim claims one batch towards the target and says how far it came.
func (i *insertScan) claim(ctx context.Context, cursor job.Point, known bool) (reached job.Point, more bool, err error) {
	shard := i.s.c.Job.Source.Shard
	room, err := i.s.room(ctx)
	if err != nil || room == 0 {
		return cursor, true, err
	}
	ranges, err := i.cutter.Cut(ctx, cursor, i.aim.top, room)
	if err != nil {
		return cursor, false, err
	}
	c := job.Claim{Scan: job.Insert, Shard: shard, To: ranges[len(ranges)-1].UpTo, Ranges: ranges}
	if known {
		c.From = &cursor
	}
	// Who compares so long after the ids were taken sees them all at once.
	if i.aim.age() < i.s.c.Job.LateCommit+i.s.c.Job.ReplicaSlack() {
		c.Late = &job.Range{Scan: job.InsertLate, Shard: shard, After: cursor, UpTo: c.To}
		c.LateSince = wholeMillis(i.aim.at)
	}
	if err := i.l.Claim(ctx, c); err != nil {
		return cursor, false, err
	}
	i.s.c.Log.Debug("ranges claimed", "scan", job.Insert, "ranges", len(ranges), "upto", c.To.String())
	if c.To.String() == i.aim.top.String() {
		i.aim = nil
		return c.To, false, nil
	}
	i.aim.from = c.To
	return c.To, true, nil
}
