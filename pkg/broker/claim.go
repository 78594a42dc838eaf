package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Leadership is the right to claim ranges of a job. It saves work; what keeps claims
// apart is that the claim itself compares lock and cursor.
type Leadership struct {
	q    *Queue
	lock *redislock.Lock
}

// Lead tries once to become the job's leader. ErrLost: another one leads.
// Each call has a token of its own, so a process cannot mistake its former lock for a new one.
func (q *Queue) Lead(ctx context.Context, ttl time.Duration, who string) (*Leadership, error) {
	lock, err := q.b.locks.Obtain(ctx, q.keys.lock(), ttl, &redislock.Options{Metadata: " " + who})
	switch {
	case errors.Is(err, redislock.ErrNotObtained):
		if q.refused.Add(1)%shortenEvery == 1 {
			q.shortenLock(ctx, ttl)
		}
		return nil, job.ErrLost
	case err != nil:
		return nil, fmt.Errorf("lock job %s: %w", q.job, redisError(err))
	}
	return &Leadership{q: q, lock: lock}, nil
}

// shortenEvery spares who waits for the lead most of the looks at how long the lock lasts.
const shortenEvery = 10

// shortenLock ends a lock in time that lasts longer than anybody asked for: Redis' clock
// stepped back, and if its holder is gone nobody would lead until the clock is there again.
// One who lives refreshes it before.
func (q *Queue) shortenLock(ctx context.Context, ttl time.Duration) {
	left, err := q.b.rdb.TTL(ctx, q.keys.lock()).Result()
	if err == nil && left > 2*ttl { // others may ask for a little more
		_ = q.b.rdb.PExpire(ctx, q.keys.lock(), ttl).Err() // the next look tries again
	}
}

// Refresh extends the lock to ttl from now. ErrLost: it is somebody else's, or nobody's.
func (l *Leadership) Refresh(ctx context.Context, ttl time.Duration) error {
	switch err := l.lock.Refresh(ctx, ttl, nil); {
	case errors.Is(err, redislock.ErrNotObtained):
		return job.ErrLost
	case err != nil:
		return redisError(err)
	}
	return nil
}

// Release gives the lock up; one that is lost already is no error.
func (l *Leadership) Release(ctx context.Context) error {
	if err := l.lock.Release(ctx); err != nil && !errors.Is(err, redislock.ErrLockNotHeld) {
		return redisError(err)
	}
	return nil
}

// noCursor stands for a scan that has claimed nothing yet. No point is written so.
const noCursor = "*"

func cursorField(scan job.Scan, shard job.Shard) string { return string(scan) + ":" + shard.String() }

// Cursor reads the upper end of the last claimed range; found is false for a
// scan that has none.
func (q *Queue) Cursor(ctx context.Context, scan job.Scan, shard job.Shard) (cursor job.Point, found bool, err error) {
	text, err := q.b.rdb.HGet(ctx, q.keys.cursor(), cursorField(scan, shard)).Result()
	if errors.Is(err, redis.Nil) {
		return job.Point{}, false, nil
	}
	if err != nil {
		return job.Point{}, false, fmt.Errorf("read the %s cursor of %s: %w", scan, q.job, redisError(err))
	}
	if cursor, err = job.ParsePoint(text); err != nil {
		return job.Point{}, false, fmt.Errorf("read the %s cursor of %s: %w", scan, q.job, err)
	}
	return cursor, true, nil
}

// Claim pushes the ranges and moves the cursor, or does neither. It may be
// repeated after a lost reply: a cursor that already stands at To is success.
// Errors: ErrLost (the lock), *CursorError, ErrPaused, *LimitError.
func (l *Leadership) Claim(ctx context.Context, c job.Claim) error {
	q := l.q
	from := noCursor
	if c.From != nil {
		from = c.From.UTC().String()
	}
	to := c.To.UTC().String()
	late, since := "", "0"
	if c.Late != nil {
		late, since = c.Late.ID(), strconv.FormatInt(c.LateSince.UnixMilli(), 10)
	}
	keys := append([]string{
		q.keys.lock(), q.keys.cursor(), q.keys.samples(), q.keys.paused(),
		q.keys.ranges(), q.keys.rangesLeased(), q.keys.rangesRetry(),
	}, q.keys.open()...)
	args := []any{
		l.lock.Token(), cursorField(c.Scan, c.Shard), from, to, late, since,
		q.limits.MaxRanges, q.limits.MaxCallbacks, q.b.wakeChannel(), q.message(job.WakeRanges), q.keys.rangePrefix(),
	}
	reply, err := q.push(ctx, claimScript, keys, args, c.Ranges)
	if err != nil {
		return fmt.Errorf("claim %s ranges of %s: %w", c.Scan, q.job, err)
	}
	if reply[0] == "cursor" && reply[1] != to {
		return fmt.Errorf("claim %s ranges of %s: %w", c.Scan, q.job, &job.CursorError{Found: reply[1]})
	}
	return nil
}

// push runs a script whose last arguments are range ids, and turns its refusals into errors.
func (q *Queue) push(ctx context.Context, s *redis.Script, keys []string, args []any, ranges []job.Range) ([]string, error) {
	for _, r := range ranges {
		args = append(args, r.ID())
	}
	reply, err := run(ctx, q.b.rdb, s, keys, args...)
	if err != nil {
		return nil, err
	}
	return pushed(reply)
}

// pushed reads the reply of a script that pushes ranges.
func pushed(reply []any) ([]string, error) {
	said, err := texts(reply)
	if err != nil {
		return nil, err
	}
	switch {
	case len(said) == 0:
		return nil, errors.New("redis: a script's reply is empty")
	case said[0] == "lock":
		return nil, job.ErrLost
	case said[0] == "paused":
		return nil, job.ErrPaused
	case len(said) < 2 && slices.Contains([]string{"full", "backlog", "cursor"}, said[0]):
		return nil, fmt.Errorf("redis: a script's reply %q lacks a value", said[0])
	case said[0] == "full":
		return nil, limitError("ranges", said[1])
	case said[0] == "backlog":
		return nil, limitError("callbacks", said[1])
	}
	return said, nil
}

func limitError(what, have string) error {
	n, err := strconv.Atoi(have)
	if err != nil {
		return fmt.Errorf("redis: a count of %s reads %q", what, have)
	}
	return &job.LimitError{What: what, Have: n}
}

// Samples gives the n oldest samples, oldest first. Among others, one that cannot
// be read (another version's) is left for whoever can.
func (q *Queue) Samples(ctx context.Context, n int) ([]job.Sample, error) {
	found, err := q.b.rdb.ZRangeWithScores(ctx, q.keys.samples(), 0, int64(n)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("read the samples of %s: %w", q.job, redisError(err))
	}
	samples := make([]job.Sample, 0, len(found))
	var unreadable []error
	for _, z := range found {
		id, _ := z.Member.(string)
		r, err := job.ParseRange(id)
		if err != nil {
			unreadable = append(unreadable, fmt.Errorf("read the samples of %s: %w", q.job, err))
			continue
		}
		samples = append(samples, job.Sample{Range: r, Since: time.UnixMilli(int64(z.Score)).UTC()})
	}
	if len(samples) == 0 {
		return nil, errors.Join(unreadable...)
	}
	return samples, nil
}

// ClaimLate pushes ranges of a sample whose late pass is due, and keeps rest,
// what they do not cover, for the next call; nil when they cover it all. A sample
// that is gone was claimed already. Errors as Claim's.
func (l *Leadership) ClaimLate(ctx context.Context, sample job.Sample, ranges []job.Range, rest *job.Range) error {
	q := l.q
	left := ""
	if rest != nil {
		left = rest.ID()
	}
	keys := []string{
		q.keys.lock(), q.keys.samples(), q.keys.paused(),
		q.keys.ranges(), q.keys.rangesLeased(), q.keys.rangesRetry(),
	}
	args := []any{l.lock.Token(), sample.Range.ID(), left, q.limits.MaxRanges, q.b.wakeChannel(), q.message(job.WakeRanges), q.keys.rangePrefix()}
	if _, err := q.push(ctx, lateScript, keys, args, ranges); err != nil {
		return fmt.Errorf("claim %s ranges of %s: %w", sample.Range.Scan, q.job, err)
	}
	return nil
}

// Room says how many ranges may still be pushed; a scheduler cuts no more than that.
// Errors: a *job.LimitError of memory.
func (q *Queue) Room(ctx context.Context) (int, error) {
	if err := q.b.enough(ctx); err != nil {
		return 0, err
	}
	pipe := q.b.rdb.Pipeline()
	list := pipe.LLen(ctx, q.keys.ranges())
	leased := pipe.ZCard(ctx, q.keys.rangesLeased())
	retry := pipe.ZCard(ctx, q.keys.rangesRetry())
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, redisError(err)
	}
	return max(0, q.limits.MaxRanges-int(list.Val()+leased.Val()+retry.Val())), nil
}

// leader reads who holds the lock, for people; "" when nobody does.
func (q *Queue) leader(ctx context.Context) (string, error) {
	value, err := q.b.rdb.Get(ctx, q.keys.lock()).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", redisError(err)
	}
	return holder(value), nil
}

// holder is who wrote the value of a lock; "" for none.
func holder(value string) string {
	_, who, _ := strings.Cut(value, " ")
	return who
}

// ForgetLocks removes the locks of all jobs. Only for a store that nobody else
// uses: what it holds when it is opened are the locks of a process that died.
func (b *Broker) ForgetLocks(ctx context.Context) error {
	names, err := b.rdb.SMembers(ctx, b.jobsKey()).Result()
	if err != nil {
		return redisError(err)
	}
	for _, name := range names {
		if err := b.rdb.Del(ctx, keys{prefix: b.jobPrefix(name)}.lock()).Err(); err != nil {
			return redisError(err)
		}
	}
	return nil
}

// Push adds ranges that an operator asked for beside those of the scans, all of
// them or none. Repeated after a lost reply they are compared twice.
// The only refusal is *job.LimitError.
func (q *Queue) Push(ctx context.Context, ranges []job.Range) error {
	keys := []string{q.keys.ranges(), q.keys.rangesLeased(), q.keys.rangesRetry()}
	args := []any{q.limits.MaxRanges, q.b.wakeChannel(), q.message(job.WakeRanges), q.keys.rangePrefix()}
	if _, err := q.push(ctx, pushScript, keys, args, ranges); err != nil {
		return fmt.Errorf("push %d ranges of %s: %w", len(ranges), q.job, err)
	}
	return nil
}
