package broker

import (
	"cmp"
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/internal/testmain"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestMain(m *testing.M) { testmain.Run(m, redistest.Stop) }

// The times of the tested job are whole minutes, so that a state can be written
// down in minutes and a slow machine does not blur it.
const (
	lease        = 10 * time.Minute
	confirmDelay = 20 * time.Minute
	longestDelay = 24 * time.Hour
)

// fixture is one job on one Redis.
type fixture struct {
	*testing.T
	*Queue
	broker *Broker
	raw    *redis.Client // behind the broker's back
	addr   string
	prefix string
}

var testSpec = Spec{Identity: "db.user by id", Details: "columns-1"}

// onEach runs one test on Redis and on the store that is used without one:
// cupid promises the same on both.
func onEach(t *testing.T, test func(f *fixture)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := redistest.Shared(t)
		test(newFixture(t, server.Addr, server.Prefix(t)))
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(newFixture(t, miniredis.RunT(t).Addr(), ""))
	})
}

// newFixture registers the job by a leader with a few callbacks and ranges of room.
func newFixture(t *testing.T, addr, prefix string) *fixture {
	t.Helper()
	f := &fixture{T: t, addr: addr, prefix: cmp.Or(prefix, DefaultPrefix), broker: open(t, addr, prefix), raw: redis.NewClient(&redis.Options{Addr: addr})}
	t.Cleanup(func() { require.NoError(t, f.raw.Close()) })
	f.Queue = f.queue(nil)
	require.NoError(t, f.Register(t.Context(), "scheduler-1"))
	return f
}

func open(t testing.TB, addr, prefix string) *Broker {
	t.Helper()
	b := Open(Config{Addrs: []string{addr}, Prefix: prefix}, Options{Name: "test"})
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

// queue is the fixture's job, configured otherwise.
func (f *fixture) queue(change func(*QueueConfig)) *Queue {
	f.Helper()
	c := QueueConfig{
		Job: "db.user", Spec: testSpec, Destinations: []string{"a", "b"},
		Limits: Limits{MaxRanges: 5, MaxCallbacks: 5}, Lease: lease, ConfirmDelay: confirmDelay,
	}
	if change != nil {
		change(&c)
	}
	q, err := f.broker.Queue(c)
	require.NoError(f, err)
	return q
}

// lead makes the job's leader; who is shown by the lock.
func (f *fixture) lead(who string) *Leadership {
	f.Helper()
	l, err := f.Lead(f.Context(), time.Hour, who)
	require.NoError(f, err)
	return l
}

// fetchRange leases the oldest range.
func (f *fixture) fetchRange() job.LeasedRange {
	f.Helper()
	leased, err := f.FetchRanges(f.Context(), "w1", 1)
	require.NoError(f, err)
	require.Len(f, leased, 1)
	return leased[0]
}

// fetchCallback leases the oldest due callback of destination a.
func (f *fixture) fetchCallback() job.LeasedCallback {
	f.Helper()
	leased, err := f.FetchCallbacks(f.Context(), "a", "w1", 1)
	require.NoError(f, err)
	require.Len(f, leased, 1)
	return leased[0]
}

// settle settles one callback.
func (f *fixture) settle(s job.Settlement) job.Settled {
	f.Helper()
	answers, err := f.Settle(f.Context(), []job.Settlement{s})
	require.NoError(f, err)
	require.Len(f, answers, 1)
	return answers[0]
}

// hints subscribes, and gives what was published since the last call.
func (f *fixture) hints() func() []string {
	f.Helper()
	sub := f.raw.Subscribe(f.Context(), f.broker.wakeChannel())
	f.Cleanup(func() { require.NoError(f, sub.Close()) })
	_, err := sub.Receive(f.Context())
	require.NoError(f, err)
	messages := sub.Channel()
	return func() []string {
		f.Helper()
		// What was published before the mark arrives before it.
		require.NoError(f, f.raw.Publish(f.Context(), f.broker.wakeChannel(), "mark").Err())
		var heard []string
		for {
			select {
			case m := <-messages:
				if m.Payload == "mark" {
					return heard
				}
				heard = append(heard, m.Payload)
			case <-time.After(10 * time.Second):
				f.Fatal("waited 10s for a published message")
			}
		}
	}
}

func shard() job.Shard { return job.Shard{Database: "db", Table: "user"} }

// insertRange is the range of an insert scan over (after, upto].
func insertRange(after, upto string) job.Range {
	r := job.Range{Scan: job.Insert, Shard: shard(), UpTo: job.KeyPoint(upto)}
	if after != "" {
		r.After = job.KeyPoint(after)
	}
	return r
}

func point(key string) *job.Point { p := job.KeyPoint(key); return &p }

// claim is a step of the insert scan from one id to another; "" is the beginning.
func claim(from, to string) job.Claim {
	c := job.Claim{Scan: job.Insert, Shard: shard(), To: job.KeyPoint(to), Ranges: []job.Range{insertRange(from, to)}}
	if from != "" {
		c.From = point(from)
	}
	return c
}

// difference is a row that destination a lacks.
func difference(key string) job.Difference {
	return job.Difference{Destination: "a", Shard: shard(), Key: key, Type: job.Missing, SourceHash: "h" + key}
}

func canceled(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
