package broker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestPermitsAreCountedOverAllProcesses(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		const server = "10.0.0.1:3306"
		two := job.Load{Queries: 2}
		here, there := f.broker.Permits(time.Minute), open(t, f.addr, f.prefix).Permits(time.Minute)
		enter := func(p *Permits, server, token string) bool {
			f.Helper()
			wait, err := p.Enter(f.Context(), server, token, two)
			require.NoError(f, err)
			return wait == 0
		}
		require.True(f, enter(here, server, "a"))
		require.True(f, enter(there, server, "b"))
		require.False(f, enter(here, server, "c"))
		require.True(f, enter(there, server, "b"), "a repeat after a lost reply has the permit")
		require.True(f, enter(here, "10.0.0.2:3306", "c"), "another server has permits of its own")

		require.NoError(f, there.Leave(f.Context(), server, "b", two, 0))
		require.NoError(f, there.Leave(f.Context(), server, "b", two, 0), "twice is once")
		require.True(f, enter(here, server, "c"))
		require.False(f, enter(here, server, "d"))
	})
}

func TestThePermitOfADeadProcessEnds(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		one := job.Load{Queries: 1}
		permits := f.broker.Permits(50 * time.Millisecond)
		wait, err := permits.Enter(f.Context(), "db:3306", "dead", one)
		require.NoError(f, err)
		require.Zero(f, wait)
		require.Eventually(f, func() bool {
			wait, err := permits.Enter(f.Context(), "db:3306", "next", one)
			return err == nil && wait == 0
		}, 10*time.Second, 10*time.Millisecond)
	})
}

func TestRowsAreCountedOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		hundred := job.Load{RowsPerSecond: 100}
		permits := f.broker.Permits(time.Minute)
		wait, err := permits.Enter(f.Context(), "db:3306", "a", hundred)
		require.NoError(f, err)
		require.Zero(f, wait)
		for range 2 { // the reply to the first may have been lost
			require.NoError(f, permits.Leave(f.Context(), "db:3306", "a", hundred, 6000))
		}
		wait, err = permits.Enter(f.Context(), "db:3306", "b", hundred)
		require.NoError(f, err)
		require.Greater(f, wait, 50*time.Second)
		require.LessOrEqual(f, wait, time.Minute)
	})
}
