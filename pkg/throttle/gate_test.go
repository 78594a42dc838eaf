package throttle

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/testmain"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestMain(m *testing.M) { testmain.Run(m) }

// pauses are what a gate says of its waiting.
type pauses struct {
	mu    sync.Mutex
	total time.Duration
	why   string
}

func (p *pauses) add(_, why string, waited time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total, p.why = p.total+waited, why
}

func well(context.Context, bool) (int, time.Duration, error) { return 1, 0, nil }

func TestNoMoreQueriesRunAtOnceThanAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		permits := NewLocal()
		gates := []*Gate{ // of two processes
			NewGate("db:3306", job.Load{Queries: 3}, permits, new(pauses).add),
			NewGate("db:3306", job.Load{Queries: 3}, permits, new(pauses).add),
		}
		var running, most, done atomic.Int64
		var all sync.WaitGroup
		for n := range 40 {
			all.Go(func() {
				leave, err := gates[n%2].Enter(t.Context(), well)
				if err != nil {
					t.Error(err)
					return
				}
				now := running.Add(1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				time.Sleep(50 * time.Millisecond)
				running.Add(-1)
				leave(1)
				done.Add(1)
			})
		}
		all.Wait()
		require.EqualValues(t, 3, most.Load())
		require.EqualValues(t, 40, done.Load())
	})
}

func TestRowsPerSecondAreNotExceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waited := new(pauses)
		gate := NewGate("db:3306", job.Load{RowsPerSecond: 1000}, NewLocal(), waited.add)
		began := time.Now()
		for range 10 {
			leave, err := gate.Enter(t.Context(), well)
			require.NoError(t, err)
			leave(500)
		}
		took := time.Since(began)
		require.GreaterOrEqual(t, took, 4500*time.Millisecond, "4,500 rows had to be paid for before the tenth query")
		require.Less(t, took, 10*time.Second)
		require.Equal(t, "its share of queries or rows is used up", waited.why)
	})
}

func TestAStrainedServerIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits  job.Load
		running int
		behind  time.Duration
		why     string // "" is let through
	}{
		"few threads":      {job.Load{ThreadsRunning: 20}, 20, 0, ""},
		"many threads":     {job.Load{ThreadsRunning: 20}, 21, 0, "21 threads run on it, allowed are 20"},
		"near its primary": {job.Load{ReplicaLag: 5 * time.Second}, 99, 5 * time.Second, ""},
		"far behind it":    {job.Load{ReplicaLag: 5 * time.Second}, 1, 6 * time.Second, "it is 6s behind its primary, allowed are 5s"},
		"stands still":     {job.Load{ReplicaLag: 5 * time.Second}, 1, -1, "its replication stands still"},
		"no limits":        {job.Load{}, 1000, time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				waited := new(pauses)
				began := time.Now()
				gate := NewGate("db:3306", c.limits, NewLocal(), waited.add)
				leave, err := gate.Enter(t.Context(), func(_ context.Context, lag bool) (int, time.Duration, error) {
					require.Equal(t, c.limits.ReplicaLag > 0, lag, "lag is asked for where it is limited")
					if time.Since(began) > 10*time.Second { // it recovers
						return 0, 0, nil
					}
					return c.running, c.behind, nil
				})
				require.NoError(t, err)
				leave(0)
				require.Equal(t, c.why, waited.why)
				if c.why != "" {
					require.Greater(t, time.Since(began), 10*time.Second)
				} else {
					require.Zero(t, time.Since(began))
				}
			})
		})
	}
}

func TestWhoWaitsIsAliveAndCanBeStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks, moved := 0, 0
		gate := NewGate("db:3306", job.Load{ThreadsRunning: 1}, NewLocal(), new(pauses).add)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := gate.Enter(job.WithProgress(ctx, func() { moved++ }), func(context.Context, bool) (int, time.Duration, error) {
			looks++
			return 2, 0, nil
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.GreaterOrEqual(t, moved, 30, "its lease goes on")
		require.LessOrEqual(t, looks, 61, "the server is asked once a second, not more")
	})
}

func TestAServerThatDoesNotAnswerIsNotStrained(t *testing.T) {
	t.Parallel()
	gate := NewGate("db:3306", job.Load{ThreadsRunning: 1, ReplicaLag: time.Second}, NewLocal(), new(pauses).add)
	leave, err := gate.Enter(t.Context(), func(context.Context, bool) (int, time.Duration, error) { return 0, 0, errors.New("away") })
	require.NoError(t, err, "the query itself says what is wrong")
	leave(0)
}
