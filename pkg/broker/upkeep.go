package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Bounds of how much one script moves, so that Redis is never held for long.
const (
	upkeepBatch = 100
	// promoteBatch is of each sorted set. It costs little, and is done for each callback
	// twice.
	promoteBatch = 200
)

// Promote moves what is due to the lists. longest is the longest delay that any item may have.
func (q *Queue) Promote(ctx context.Context, longest time.Duration) (job.Promoted, error) {
	keys := []string{q.keys.ranges(), q.keys.rangesRetry(), q.keys.rangesParked(), q.keys.confirm(), q.keys.verify(), q.keys.retry(), q.keys.slow()}
	reply, err := run(ctx, q.b.rdb, promoteScript, keys, promoteBatch, ms(longest), q.keys.callbackPrefix(), q.keys.callbacksPrefix(),
		q.b.wakeChannel(), q.message(job.WakeRanges), q.message(job.WakeCallbacks))
	if err != nil {
		return job.Promoted{}, fmt.Errorf("promote due items of %s: %w", q.job, err)
	}
	n, err := numbers(reply, 2)
	if err != nil {
		return job.Promoted{}, err
	}
	return job.Promoted{Moved: int(n[0]), Next: time.Duration(n[1]) * time.Millisecond}, nil
}

// Reclaim takes back what is leased past its time.
func (q *Queue) Reclaim(ctx context.Context) (job.Reclaimed, error) {
	keys := []string{q.keys.reclaim(), q.keys.rangesLeased(), q.keys.ranges(), q.keys.callbacksLeased(), q.keys.parked()}
	reply, err := run(ctx, q.b.rdb, reclaimScript, keys, ms(q.lease), upkeepBatch, q.keys.rangePrefix(), q.keys.callbackPrefix(),
		q.keys.callbacksPrefix(), q.b.wakeChannel(), q.message(job.WakeRanges), q.message(job.WakeCallbacks), job.StallsAlone, q.keys.troubledPrefix())
	if err != nil {
		return job.Reclaimed{}, fmt.Errorf("reclaim ended leases of %s: %w", q.job, err)
	}
	n, err := numbers(reply, 3)
	if err != nil {
		return job.Reclaimed{}, err
	}
	return job.Reclaimed{Ranges: int(n[0]), Callbacks: int(n[1]), Next: time.Duration(n[2]) * time.Millisecond}, nil
}

func numbers(reply []any, want int) ([]int64, error) {
	if len(reply) != want {
		return nil, fmt.Errorf("redis: a script's reply has %d numbers, want %d", len(reply), want)
	}
	out := make([]int64, want)
	for i, v := range reply {
		n, ok := v.(int64)
		if !ok {
			return nil, fmt.Errorf("redis: a script's reply holds %T at %d, want a number", v, i)
		}
		out[i] = n
	}
	return out, nil
}
