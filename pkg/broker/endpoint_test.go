package broker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

const host = "receiver:8080"

func (f *fixture) enter(e *Endpoint, slots, sends int) job.Entry {
	f.Helper()
	entry, err := e.Enter(f.Context(), slots, sends)
	require.NoError(f, err)
	return entry
}

func (f *fixture) leave(e *Endpoint, entry job.Entry, r job.Round) job.Turn {
	f.Helper()
	turn, err := e.Leave(f.Context(), entry, r)
	require.NoError(f, err)
	return turn
}

func TestPOSTsInFlightAreCountedOverAllWorkers(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		limit := job.Calls{AtOnce: 10}
		here, there := f.broker.Endpoint(host, limit, time.Second), open(t, f.addr, f.prefix).Endpoint(host, limit, time.Second)
		first := f.enter(here, 8, 100)
		require.Equal(f, 8, first.Slots)
		require.Equal(f, 100, first.Sends)
		require.Equal(f, 2, f.enter(there, 8, 100).Slots)
		full := f.enter(there, 8, 100)
		require.Zero(f, full.Slots)
		require.Positive(f, full.Wait)
		require.Empty(f, f.leave(here, first, job.Round{Answered: true}))
		require.Equal(f, 8, f.enter(there, 8, 100).Slots)
		require.Equal(f, 5, f.enter(f.broker.Endpoint("other:80", limit, time.Second), 5, 1).Slots)
	})
}

func TestSendsPerSecondAreCountedOverAllWorkers(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		limit := job.Calls{PerSecond: 100}
		e := f.broker.Endpoint(host, limit, time.Second)
		began, sent := time.Now(), 0
		for time.Since(began) < time.Second {
			entry := f.enter(e, 8, 100)
			sent += entry.Sends
			if entry.Slots == 0 {
				require.LessOrEqual(f, entry.Wait, 20*time.Millisecond)
				time.Sleep(entry.Wait)
			}
		}
		took := time.Since(began).Seconds()
		require.LessOrEqual(f, float64(sent), 100*took+3)
		require.GreaterOrEqual(f, float64(sent), 10*took, "a busy machine asks less often, and what was not asked for lapses")
	})
}

func TestTheBreakerOpensProbesAndCloses(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		e := f.broker.Endpoint(host, job.Calls{BreakAfter: 3}, time.Second)
		state := func() job.Receiver {
			f.Helper()
			require.NoError(f, f.broker.NoteEndpoints(f.Context(), []string{host}))
			all, err := f.broker.Receivers(f.Context())
			require.NoError(f, err)
			require.Len(f, all, 1)
			return all[0]
		}
		require.Empty(f, f.leave(e, f.enter(e, 8, 100), job.Round{Failures: 2, Code: "http_500"}))
		require.Empty(f, f.leave(e, f.enter(e, 8, 100), job.Round{Answered: true, Failures: 2, Code: "http_500"}), "an answer came between")
		require.Equal(f, "closed", state().State)
		require.Equal(f, 2, state().Failures)

		late := f.enter(e, 8, 100) // of a worker that is slow to tell
		require.Equal(f, job.BreakerOpened, f.leave(e, f.enter(e, 8, 100), job.Round{Failures: 1, Code: "http_500"}))
		require.Equal(f, job.BreakerOpen, f.leave(e, late, job.Round{Failures: 8, Code: "http_500"}), "it is open already")
		denied := f.enter(e, 8, 100)
		require.Zero(f, denied.Slots)
		require.Greater(f, denied.Wait, 3*time.Second)
		require.LessOrEqual(f, denied.Wait, 6*time.Second)
		require.False(f, denied.Opened.IsZero())
		require.Equal(f, "open", state().State)
		require.Equal(f, "http_500", state().Code)

		pass := func() { // as if the pause were over
			f.Helper()
			require.NoError(f, f.raw.HSet(f.Context(), f.broker.endpointKeys(host)[0], "open_until", "1").Err())
		}
		pass()
		require.Equal(f, "half_open", state().State)
		probe := f.enter(e, 8, 100)
		require.Equal(f, 1, probe.Slots)
		require.Equal(f, 1, probe.Sends)
		require.Zero(f, f.enter(e, 8, 100).Slots, "one worker probes, no other")
		require.Equal(f, job.BreakerOpen, f.leave(e, probe, job.Round{Unused: 1}))
		probe = f.enter(e, 8, 100)
		require.Equal(f, 1, probe.Slots, "nothing was sent, so another may probe at once")
		require.Equal(f, job.BreakerOpen, f.leave(e, probe, job.Round{Failures: 1, Code: "refused"}))
		require.Greater(f, f.enter(e, 8, 100).Wait, 7*time.Second, "the pause doubles")

		pass()
		probe = f.enter(e, 8, 100)
		require.True(f, probe.Closed.IsZero())
		require.Equal(f, job.BreakerClosed, f.leave(e, probe, job.Round{Answered: true}))
		entry := f.enter(e, 8, 100)
		require.Equal(f, 8, entry.Slots)
		require.False(f, entry.Closed.IsZero())
		require.True(f, entry.Opened.IsZero())
	})
}

func TestAReceiverThatAsksForARestHasIt(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		e := f.broker.Endpoint(host, job.Calls{BreakAfter: 10}, time.Second)
		f.leave(e, f.enter(e, 8, 100), job.Round{Failures: 1, Code: "http_429", Rest: time.Minute})
		denied := f.enter(e, 8, 100)
		require.Zero(f, denied.Slots)
		require.Greater(f, denied.Wait, 50*time.Second)
	})
}

func TestCallbacksOfAReceiverThatIsLeftAloneAreHeldAndHastened(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		differences := make([]job.Difference, 150)
		for i := range differences {
			differences[i] = job.Difference{Destination: "far", Shard: job.Shard{Database: "db", Table: "user"}, Key: string(rune('a'+i%26)) + string(rune('a'+i/26)), Type: job.Missing}
		}
		require.NoError(f, f.PutAgain(f.Context(), differences))
		for _, d := range differences { // due
			require.NoError(f, f.raw.ZRem(f.Context(), f.keys.confirm(), string(d.ID())).Err())
			require.NoError(f, f.raw.LPush(f.Context(), f.keys.callbacks("far"), string(d.ID())).Err())
		}
		answered := f.keys.callbackPrefix() + string(differences[7].ID())
		require.NoError(f, f.raw.HSet(f.Context(), answered, "error", "http_503").Err())
		due, err := f.DueCallbacks(f.Context(), "far")
		require.NoError(f, err)
		require.Equal(f, 150, due)
		for _, want := range []int{100, 50, 0} {
			moved, err := f.HoldCallbacks(f.Context(), "far", "breaker", time.Hour, 100)
			require.NoError(f, err)
			require.Equal(f, want, moved)
		}
		require.Equal(f, "http_503", f.raw.HGet(f.Context(), answered, "error").Val(), "what is wrong with the receiver stays known")
		require.Equal(f, "breaker", f.raw.HGet(f.Context(), f.keys.callbackPrefix()+string(differences[8].ID()), "error").Val())
		soon := func() int64 {
			f.Helper()
			n, err := f.raw.ZCount(f.Context(), f.keys.slow(), "-inf", millis(time.Now().Add(time.Minute))).Result()
			require.NoError(f, err)
			return n
		}
		require.Zero(f, soon())
		require.EqualValues(f, 150, f.raw.ZCard(f.Context(), f.keys.slow()).Val())
		require.NoError(f, f.HastenCallbacks(f.Context(), "far", false))
		require.EqualValues(f, 1, soon())
		require.NoError(f, f.HastenCallbacks(f.Context(), "far", true))
		require.EqualValues(f, 150, soon())
		p, err := f.Promote(f.Context(), longestDelay)
		require.NoError(f, err)
		require.Equal(f, 150, p.Moved)
	})
}
