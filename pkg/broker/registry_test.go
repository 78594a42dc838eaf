package broker

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestRegisteredJobKeepsItsIdentity(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		moved := f.queue(func(c *QueueConfig) { c.Spec.Identity = "other.user by id" })
		var other *job.SpecError
		require.ErrorAs(f, moved.Register(f.Context(), "s2"), &other)
		require.Equal(f, &job.SpecError{Job: "db.user", Field: "identity", Mine: "other.user by id", Found: "db.user by id"}, other)
		f.want(state{})

		changed := f.queue(func(c *QueueConfig) { c.Spec.Details = "columns-2"; c.Destinations = []string{"c"} })
		require.NoError(f, changed.Register(f.Context(), ""), "a worker only asks")
		f.want(state{})
		require.NoError(f, changed.Register(f.Context(), "s2"))
		f.want(state{"spec": {"destinations=c", "details=columns-2", "identity=db.user by id", "leader=s2"}})
	})
}

func TestWorkerMakesNoJobKnown(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		q := f.queue(func(c *QueueConfig) { c.Job = "new" })
		require.NoError(f, q.Register(f.Context(), ""))
		states, err := f.broker.Jobs(f.Context())
		require.NoError(f, err)
		require.Len(f, states, 1)
	})
}

func TestNamesThatWouldBreakAKeyAreRefused(t *testing.T) {
	t.Parallel()
	b := Open(Config{Addrs: []string{"127.0.0.1:1"}}, Options{})
	defer b.Close()
	for _, name := range []string{"", "a}b", "a b", "a:b", "*"} {
		_, err := b.Queue(QueueConfig{Job: name})
		require.ErrorContains(t, err, "job name", name)
		_, err = b.Queue(QueueConfig{Job: "j", Destinations: []string{name}})
		require.ErrorContains(t, err, "destination name", name)
	}
	for _, name := range reservedDestinations {
		_, err := b.Queue(QueueConfig{Job: "j", Destinations: []string{name}})
		require.ErrorContains(t, err, "destination name", name)
	}
	q, err := b.Queue(QueueConfig{Job: "db.user@host-1", Destinations: []string{"x.y"}, Lease: lease})
	require.NoError(t, err)
	require.Equal(t, "db.user@host-1", q.Job())
	require.Equal(t, lease, q.Lease())
}

func TestJobsShowWhatRedisHolds(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		other := f.queue(func(c *QueueConfig) { c.Job = "another" })
		require.NoError(f, other.Register(f.Context(), "s1"))
		f.lead("s1")
		f.seed(state{
			"paused": {"by=eva", "why=move"}, "paused:a": {"by=bob", "why=over", "until=1"}, "paused:b": {"by=brake", "why=too much"}, "cursor": {"insert:db.user=7"}, "stats": {"rows=12", "odd=x"},
			"ranges": {"1"}, "ranges:leased": {"2@now", "3@now"}, "callbacks:b": {"4"}, "callbacks:slow": {"5@now"}, "samples": {"6@now"},
			"told": {"slow:a=on 1795347106044 since 1795347000000", "slow:b=over 1795347106044 since 1795347000000", "claim:slow:c=1795347106044 by X"},
		})
		require.NoError(f, f.broker.NoteLag(f.Context(), "db.user", map[string]int64{"insert:db.user": 120, "update:db.user": 3}))
		require.NoError(f, f.broker.NoteLag(f.Context(), "db.user", map[string]int64{"insert:db.user": 90}))
		require.NoError(f, f.broker.NoteLag(f.Context(), "db.user", nil))

		states, err := f.broker.Jobs(f.Context())
		require.NoError(f, err)
		require.Len(f, states, 2)
		require.Equal(f, "another", states[0].Name)
		require.Len(f, states[1].Heads, 4, "of what holds something; tested with the heads")
		states[1].Heads = nil
		require.Equal(f, job.State{
			Name: "db.user", Source: "db.user by id", Leader: "s1", Paused: "eva: move", Held: map[string]string{"b": "brake: too much"},
			Told:    map[string]time.Time{"slow:a": time.UnixMilli(1795347000000).UTC()},
			Cursors: map[string]string{"insert:db.user": "7"},
			Lag:     map[string]int64{"insert:db.user": 90, "update:db.user": 3},
			Depths: map[string]int64{
				"ranges": 1, "ranges:leased": 2, "ranges:parked": 0, "ranges:retry": 0, "samples": 1,
				"callbacks:a": 0, "callbacks:b": 1, "callbacks:leased": 0, "callbacks:confirm": 0,
				"callbacks:verify": 0, "callbacks:retry": 0, "callbacks:slow": 1, "callbacks:parked": 0,
			},
			Open: 2, Stats: map[string]int64{"rows": 12},
		}, states[1])
	})
}

func TestProcessesAreListedWhileTheyBeat(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		p := job.Process{
			ID: "worker@h1:42", Role: "worker", Host: "h1", PID: 42, Version: "1.0", Address: "h1:9401", Jobs: "db.user",
			Busy: 3, Unsent: "alerts.urls[0]: timeout", RSS: 50 << 20, Started: time.UnixMilli(1_700_000_000_000).UTC(),
		}
		require.NoError(f, f.broker.Beat(f.Context(), p))
		require.NoError(f, f.broker.Beat(f.Context(), job.Process{ID: "scheduler@h1:41"}))
		found, err := f.broker.Processes(f.Context())
		require.NoError(f, err)
		require.Len(f, found, 2)
		require.Equal(f, "scheduler@h1:41", found[0].ID)
		require.WithinDuration(f, time.UnixMilli(f.now()), found[1].LastBeat, 20*time.Second, "the time is Redis' own")
		require.Less(f, found[1].Silent, int64(20))
		found[1].LastBeat, found[1].Silent = time.Time{}, 0
		require.Equal(f, p, found[1])
		require.InDelta(f, processLife, f.raw.PTTL(f.Context(), f.broker.processKey(p.ID)).Val(), float64(30*time.Second))

		require.NoError(f, f.broker.Leave(f.Context(), p.ID))
		found, err = f.broker.Processes(f.Context())
		require.NoError(f, err)
		require.Len(f, found, 1)
	})
}

func TestAProcessThatMissesBeatsIsMarked(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		for _, id := range []string{"fresh", "mute"} {
			require.NoError(f, f.broker.Beat(ctx, job.Process{ID: id}))
		}
		require.NoError(f, f.raw.ZAdd(ctx, f.broker.processesKey(), redis.Z{Member: "mute", Score: float64(f.now() - 40_000)}).Err())
		require.NoError(f, f.raw.ZAdd(ctx, f.broker.processesKey(), redis.Z{Member: "fresh", Score: float64(f.now() + 5_000)}).Err())
		found, err := f.broker.Processes(ctx)
		require.NoError(f, err)
		require.Len(f, found, 2)
		require.False(f, found[0].Stale)
		require.Zero(f, found[0].Silent)
		require.True(f, found[1].Stale)
		require.InDelta(f, 40, found[1].Silent, 20)
	})
}

func TestProcessThatStoppedBeatingIsForgotten(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		require.NoError(f, f.broker.Beat(ctx, job.Process{ID: "gone"}))
		require.NoError(f, f.raw.Del(ctx, f.broker.processKey("gone")).Err()) // its time to live ended
		found, err := f.broker.Processes(ctx)
		require.NoError(f, err)
		require.Empty(f, found)

		old := float64(f.now() - processLife.Milliseconds())
		require.NoError(f, f.raw.ZAdd(ctx, f.broker.processesKey(), redis.Z{Member: "gone", Score: old}).Err())
		require.NoError(f, f.broker.Beat(ctx, job.Process{ID: "alive"}))
		require.Equal(f, []string{"alive"}, f.raw.ZRange(ctx, f.broker.processesKey(), 0, -1).Val())
	})
}

func TestAdoptedJobIsAsItWas(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.lead("s1")
		f.seed(leasedRange.and(leasedCallback).and(state{
			"ranges": {r3, r2}, "cursor": {"insert:db.user=3"}, "callbacks:slow": {"a:9@+60m"}, "troubled:slow:a": {"a:9"}, "stats": {"rows=4"},
		}))
		other := *f
		other.broker = open(f, f.addr, f.prefix+"other:")
		other.Queue = other.queue(nil)
		names, err := other.broker.Adopt(f.Context(), f.broker)
		require.NoError(f, err)
		require.Equal(f, []string{"db.user"}, names)
		want := f.state()
		delete(want, "lock")
		other.want(want)

		names, err = other.broker.Adopt(f.Context(), f.broker)
		require.NoError(f, err)
		require.Empty(f, names, "it is known by now")
	})
}
