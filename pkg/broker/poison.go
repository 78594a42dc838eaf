package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// A range that was set aside waits this long before it is tried again, and
// twice as long each further time.
const (
	parkedWait    = 10 * time.Minute
	parkedLongest = time.Hour
)

// BeginRange notes that a leased range is about to be compared, and begins its
// lease anew: from here on it is blamed when its lease ends. ErrLost as AckRange's.
func (q *Queue) BeginRange(ctx context.Context, r job.LeasedRange) error {
	keys := []string{q.keys.rangeItem(r.ID), q.keys.rangesLeased()}
	reply, err := run(ctx, q.b.rdb, beginRangeScript, keys, r.ID, r.Token, ms(q.lease))
	if err != nil {
		return fmt.Errorf("begin range %s: %w", r.ID, err)
	}
	return leaseRefusal(reply)
}

// SplitRange puts the parts of a range in its place; together they must cover
// it. Errors: ErrLost, also when a lost reply is repeated; *job.LimitError when
// too many ranges wait.
func (q *Queue) SplitRange(ctx context.Context, r job.LeasedRange, parts []job.Range) error {
	if !covers(parts, r.Range) {
		return fmt.Errorf("split range %s: its %d parts do not cover it", r.ID, len(parts))
	}
	keys := []string{q.keys.rangeItem(r.ID), q.keys.rangesLeased(), q.keys.ranges(), q.keys.stalled()}
	args := []any{
		r.ID, r.Token, q.limits.MaxRanges, job.StallsAlone, q.keys.rangePrefix(), q.b.wakeChannel(), q.message(job.WakeRanges),
	}
	said, err := q.push(ctx, splitRangeScript, keys, args, parts)
	switch {
	case err != nil:
		return fmt.Errorf("split range %s: %w", r.ID, err)
	case said[0] == "lost":
		return job.ErrLost
	}
	return nil
}

// covers says whether the parts are several that follow each other from one end of r to the other.
func covers(parts []job.Range, r job.Range) bool {
	at := r.After.String()
	for _, p := range parts {
		if p.After.String() != at {
			return false
		}
		at = p.UpTo.String()
	}
	return len(parts) > 1 && at == r.UpTo.String()
}

// ParkRange sets a range aside that no run finishes; code says why in a word,
// "" keeps the last. It is tried again by itself now and then. ErrLost as AckRange's.
func (q *Queue) ParkRange(ctx context.Context, r job.LeasedRange, code string) error {
	keys := []string{q.keys.rangeItem(r.ID), q.keys.rangesLeased(), q.keys.rangesParked(), q.keys.stalled()}
	reply, err := run(ctx, q.b.rdb, parkRangeScript, keys, r.ID, r.Token, code, job.StallsAlone,
		ms(parkedWait), ms(parkedLongest), q.b.wakeChannel(), q.message(job.WakeDue))
	if err != nil {
		return fmt.Errorf("set range %s aside: %w", r.ID, err)
	}
	return leaseRefusal(reply)
}

// UnparkRanges makes ranges due that were set aside: those with these ids, or up
// to a hundred when none is given. It says how many there were.
func (q *Queue) UnparkRanges(ctx context.Context, ids ...string) (moved int, err error) {
	if len(ids) > upkeepBatch {
		return 0, fmt.Errorf("unpark %d ranges of %s: at most %d at once", len(ids), q.job, upkeepBatch)
	}
	args := []any{upkeepBatch, q.b.wakeChannel(), q.message(job.WakeRanges)}
	reply, err := run(ctx, q.b.rdb, unparkRangesScript, []string{q.keys.rangesParked(), q.keys.ranges()}, append(args, anys(ids)...)...)
	if err != nil {
		return 0, fmt.Errorf("unpark ranges of %s: %w", q.job, err)
	}
	n, err := numbers(reply, 1)
	if err != nil {
		return 0, err
	}
	return int(n[0]), nil
}

// ParkedRanges are up to n ranges that were set aside, those that are due first
// before the others.
func (q *Queue) ParkedRanges(ctx context.Context, n int) ([]job.ParkedRange, error) {
	found, err := q.b.rdb.ZRangeWithScores(ctx, q.keys.rangesParked(), 0, int64(n)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("read the parked ranges of %s: %w", q.job, redisError(err))
	}
	parked := make([]job.ParkedRange, len(found))
	for i, z := range found {
		id, ok := z.Member.(string)
		if !ok {
			return nil, errors.New("redis: a range id is no text")
		}
		about, err := q.b.rdb.HMGet(ctx, q.keys.rangeItem(id), "parked", "error").Result()
		if err != nil {
			return nil, fmt.Errorf("read the parked ranges of %s: %w", q.job, redisError(err))
		}
		times, _ := about[0].(string)
		parked[i] = job.ParkedRange{ID: id, Due: time.UnixMilli(int64(z.Score)).UTC(), Times: int(number(times))}
		parked[i].Error, _ = about[1].(string)
	}
	return parked, nil
}
