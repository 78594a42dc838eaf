package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// besides makes the fixture's job known as a leader does, and gives all keys besides it.
func (f *fixture) besides() []string {
	f.Helper()
	ctx := f.Context()
	require.NoError(f, f.raw.SAdd(ctx, f.broker.jobsKey(), f.Job()).Err())
	require.NoError(f, f.raw.Set(ctx, f.broker.jobPrefix("db.user2")+"cursor", "x", 0).Err(), "a name that begins alike")
	require.NoError(f, f.raw.Set(ctx, f.prefix+"db.user", "x", 0).Err())
	return []string{f.broker.jobPrefix("db.user2") + "cursor", f.prefix + "db.user"}
}

func TestARemovedJobLeavesNothingButAnEvent(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		others := f.besides()
		work := state{
			"cursor": {"insert:db.user=10"}, "ranges": {r2, r1}, "callbacks:a": {"a:2", "a:1"},
			"callback:a:1": {"destination=a", "shard=db.user", "key=1", "seen=1"}, "callback:a:2": {"destination=a", "shard=db.user", "key=2"},
		}
		f.seed(work)
		r, c := f.fetchRange(), f.fetchCallback()
		for i := range 2*upkeepBatch + 50 { // several scripts' worth
			require.NoError(f, f.PutAgain(ctx, []job.Difference{difference(fmt.Sprint(1000 + i))}))
		}
		require.NoError(f, f.raw.RPush(ctx, f.keys.callbacks("former"), "former:1").Err(), "of a destination that left the config")
		_, err := f.broker.Pause(ctx, Hold{Job: "db.user"}, "eva", "move", 0)
		require.NoError(f, err)
		before, err := f.raw.Keys(ctx, globEscape(f.keys.prefix)+"*").Result()
		require.NoError(f, err)
		require.Greater(f, len(before), 2*upkeepBatch)

		keys, err := f.broker.Remove(ctx, "db.user", "eva@desk", "the table\nis gone")
		require.NoError(f, err)
		require.Equal(f, len(before), keys)
		names, err := f.broker.JobNames(ctx)
		require.NoError(f, err)
		require.Empty(f, names)
		events, err := f.broker.Events(ctx, "", 10)
		require.NoError(f, err)
		require.Len(f, events, 1)
		require.Equal(f, fmt.Sprintf("jobs_rm eva@desk job db.user, %d keys: the table is gone", keys), string(events[0].Kind)+" "+events[0].Who+" "+events[0].What)

		// A worker that hung all the while writes nothing back.
		require.ErrorIs(f, f.Put(ctx, r, 1, []job.Difference{difference("7")}), job.ErrLost)
		require.ErrorIs(f, f.AckRange(ctx, r, 1, job.Counts{"rows": 1}), job.ErrLost)
		require.Equal(f, job.SettledLost, f.settle(job.Settlement{Callback: c, To: job.Closed}))
		ranges, err := f.FetchRanges(ctx, "w1", 1)
		require.NoError(f, err)
		require.Empty(f, ranges)
		left, err := f.raw.Keys(ctx, globEscape(f.prefix)+"*").Result()
		require.NoError(f, err)
		require.ElementsMatch(f, append(others, f.broker.eventsKey("")), left)

		_, err = f.broker.Remove(ctx, "db.user", "eva", "again")
		require.ErrorIs(f, err, ErrUnknown)
	})
}

func TestARemovalThatWasCutOffIsRepeated(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.besides()
		f.seed(state{"cursor": {"insert:db.user=10"}, "ranges": {r2, r1}})
		_, err := f.remove(f.Context(), []string{f.keys.spec(), f.keys.cursor()})
		require.NoError(f, err)
		keys, err := f.broker.Remove(f.Context(), "db.user", "eva", "")
		require.NoError(f, err)
		require.Equal(f, 1, keys)
	})
}

func TestAJobThatSomebodyRunsIsNotRemoved(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		f.besides()
		f.seed(state{"cursor": {"insert:db.user=10"}, "ranges": {r2, r1}})
		before := f.state()
		refused := func(want string) {
			f.Helper()
			_, err := f.broker.Remove(f.Context(), "db.user", "eva", "x")
			require.ErrorIs(f, err, ErrRefused)
			require.ErrorContains(f, err, want)
			after := f.state()
			delete(after, "lock")
			require.Equal(f, before, after)
		}
		require.NoError(f, f.broker.Beat(ctx, job.Process{ID: "h:1", Role: "worker", Jobs: "db.user2 db.user", Started: time.Now()}))
		require.NoError(f, f.broker.Beat(ctx, job.Process{ID: "h:2", Role: "scheduler", Jobs: "db.user2", Started: time.Now()}))
		refused("still run by worker h:1:")
		require.NoError(f, f.broker.Leave(ctx, "h:1"))
		l := f.lead("h:9")
		refused("is led by h:9")
		require.NoError(f, l.Release(ctx))
		_, err := f.broker.Remove(ctx, "db.user", "eva", "x")
		require.NoError(f, err)
	})
}
