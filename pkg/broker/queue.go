package broker

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Spec is the fingerprint of a job: what a process thinks the job is.
type Spec struct {
	Identity string // source and scan key, readable
	Details  string // hash of columns and destinations
}

// Limits bound what waits in Redis for one job.
type Limits struct {
	MaxRanges    int
	MaxCallbacks int
}

// Queue is one job's part of Redis.
type Queue struct {
	b      *Broker
	job    string
	keys   keys
	spec   Spec
	limits Limits
	lease  time.Duration
	// confirmDelay is how long a suspicion waits before it is read again.
	confirmDelay time.Duration
	refused      atomic.Uint64 // times that another one led
}

// QueueConfig says what a Queue has to know of its job.
type QueueConfig struct {
	Job          string
	Spec         Spec
	Destinations []string
	Limits       Limits
	Lease        time.Duration
	ConfirmDelay time.Duration
}

// Queue gives the part of Redis that belongs to one job.
func (b *Broker) Queue(c QueueConfig) (*Queue, error) {
	if !job.ValidName(c.Job) {
		return nil, fmt.Errorf("job name %q: want letters, digits, '_', '.', '@', '-', at most 64", c.Job)
	}
	for _, d := range c.Destinations {
		if !job.ValidName(d) || slices.Contains(reservedDestinations, d) {
			return nil, fmt.Errorf("destination name %q of job %s: want letters, digits, '_', '.', '@', '-', at most 64, and none of %v", d, c.Job, reservedDestinations)
		}
	}
	return &Queue{
		b: b, job: c.Job, keys: keys{prefix: b.jobPrefix(c.Job), destinations: c.Destinations},
		spec: c.Spec, limits: c.Limits, lease: c.Lease, confirmDelay: c.ConfirmDelay,
	}, nil
}

// Job is the name of the job.
func (q *Queue) Job() string { return q.job }

// Lease is how long a lease lasts unless it is extended.
func (q *Queue) Lease() time.Duration { return q.lease }

// Register checks that this Redis knows the job by the same source and scan
// key, and makes it known when leader is set: the leader's details are what
// every worker must share. A job.SpecError says that it is known as another.
func (q *Queue) Register(ctx context.Context, leader string) error {
	reply, err := run(ctx, q.b.rdb, registerScript, []string{q.keys.spec()}, q.spec.Identity, q.spec.Details, leader,
		strings.Join(q.keys.destinations, " "))
	if err != nil {
		return fmt.Errorf("register job %s: %w", q.job, err)
	}
	said, err := texts(reply)
	if err != nil {
		return err
	}
	if said[0] == "identity" {
		return &job.SpecError{Job: q.job, Field: "identity", Mine: q.spec.Identity, Found: said[1]}
	}
	if leader != "" {
		if err := q.b.rdb.SAdd(ctx, q.b.jobsKey(), q.job).Err(); err != nil {
			return redisError(err)
		}
	}
	return nil
}

// SpecKey is the key that holds what the fleet knows of a job, for people.
func (b *Broker) SpecKey(name string) string { return keys{prefix: b.jobPrefix(name)}.spec() }

// Fits is a *job.SpecError when the fleet knows the job as something else, and
// changes nothing. A job that nobody knows yet fits.
func (q *Queue) Fits(ctx context.Context) error {
	found, err := q.b.rdb.HMGet(ctx, q.keys.spec(), "identity", "details").Result()
	if err != nil {
		return redisError(err)
	}
	for i, field := range []struct{ name, mine string }{{"identity", q.spec.Identity}, {"details", q.spec.Details}} {
		if text, known := found[i].(string); known && text != field.mine {
			return &job.SpecError{Job: q.job, Field: field.name, Mine: field.mine, Found: text}
		}
	}
	return nil
}

// message is a hint on the wake channel: the job and the kind of work.
func (q *Queue) message(what string) string { return q.job + " " + what }

// newToken is the proof of a lease or the id of a callback: random, never counted, so
// that no token comes twice after a hash was deleted.
func newToken() string { return rand.Text() }

// statKeys are the counters for ever and those of today.
func (q *Queue) statKeys() []string {
	return []string{q.keys.stats(), q.keys.day(time.Now())}
}

func ms(d time.Duration) int64 { return d.Milliseconds() }

// Stats reads the job's counters.
func (q *Queue) Stats(ctx context.Context) (map[string]int64, error) {
	found, err := q.b.rdb.HGetAll(ctx, q.keys.stats()).Result()
	if err != nil {
		return nil, redisError(err)
	}
	return counters(found), nil
}

func counters(found map[string]string) map[string]int64 {
	out := make(map[string]int64, len(found))
	for name, text := range found {
		var n int64
		if _, err := fmt.Sscan(text, &n); err == nil {
			out[name] = n
		}
	}
	return out
}

// Depths says how much stands where: list or sorted set name → length.
func (q *Queue) Depths(ctx context.Context) (map[string]int64, error) {
	pipe := q.b.rdb.Pipeline()
	depths := q.askDepths(ctx, pipe)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, redisError(err)
	}
	return depths(), nil
}

// askDepths adds the question to a pipeline; the answer is there when that was run.
func (q *Queue) askDepths(ctx context.Context, pipe redis.Pipeliner) func() map[string]int64 {
	lengths := map[string]*redis.IntCmd{
		"ranges":            pipe.LLen(ctx, q.keys.ranges()),
		"ranges:leased":     pipe.ZCard(ctx, q.keys.rangesLeased()),
		"ranges:retry":      pipe.ZCard(ctx, q.keys.rangesRetry()),
		"ranges:parked":     pipe.ZCard(ctx, q.keys.rangesParked()),
		"callbacks:leased":  pipe.ZCard(ctx, q.keys.callbacksLeased()),
		"callbacks:confirm": pipe.ZCard(ctx, q.keys.confirm()),
		"callbacks:verify":  pipe.ZCard(ctx, q.keys.verify()),
		"callbacks:retry":   pipe.ZCard(ctx, q.keys.retry()),
		"callbacks:slow":    pipe.ZCard(ctx, q.keys.slow()),
		"callbacks:parked":  pipe.ZCard(ctx, q.keys.parked()),
		"samples":           pipe.ZCard(ctx, q.keys.samples()),
	}
	for _, d := range q.keys.destinations {
		lengths["callbacks:"+d] = pipe.LLen(ctx, q.keys.callbacks(d))
	}
	return func() map[string]int64 {
		out := make(map[string]int64, len(lengths))
		for name, n := range lengths {
			out[name] = n.Val()
		}
		return out
	}
}
