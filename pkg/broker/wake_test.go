package broker

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// listen hears the hints until the test ends, the first of which it has awaited.
func listen(t testing.TB, b *Broker) <-chan Hint {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	hints, ended := make(chan Hint, 100), make(chan error, 1)
	go func() { ended <- b.Hints(ctx, func(h Hint) { hints <- h }) }()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	require.Equal(t, Hint{}, hint(t, hints), "whoever connects looks at everything")
	return hints
}

func hint(t testing.TB, hints <-chan Hint) Hint {
	t.Helper()
	select {
	case h := <-hints:
		return h
	case <-time.After(20 * time.Second):
		t.Fatal("waited 20s for a hint")
		return Hint{}
	}
}

func TestHintComesInMilliseconds(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		hints := listen(f, f.broker)
		var took []time.Duration
		for range 9 {
			f.seed(leasedRange)
			began := time.Now()
			require.NoError(f, f.ReleaseRange(f.Context(), mine()))
			require.Equal(f, Hint{Job: "db.user", What: job.WakeRanges}, hint(f, hints))
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		require.Less(f, took[len(took)/2], 50*time.Millisecond)
	})
}

func TestHintSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		hints := listen(f, f.broker)
		require.NoError(f, f.PutAgain(f.Context(), []job.Difference{difference("1")}))
		require.Equal(f, Hint{Job: "db.user", What: job.WakeDue}, hint(f, hints))
		f.pass(time.Hour)
		f.promote()
		require.Equal(f, Hint{Job: "db.user", What: job.WakeCallbacks}, hint(f, hints))
	})
}

func TestReconnectMakesEverybodyLook(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	hints := listen(t, open(t, server.Addr, ""))
	server.Kill(t)
	server.Restart(t)
	ready(t, server)
	require.Equal(t, Hint{}, hint(t, hints))
}

func TestHintsWaitForARedisThatIsDown(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	server.Kill(t)
	b := open(t, server.Addr, "")
	ctx, cancel := context.WithCancel(t.Context())
	hints, ended := make(chan Hint, 10), make(chan error, 1)
	go func() { ended <- b.Hints(ctx, func(h Hint) { hints <- h }) }()
	server.Restart(t)
	require.Equal(t, Hint{}, hint(t, hints))
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func ready(t *testing.T, server *redistest.Server) {
	t.Helper()
	eventually.Until(t, 10*time.Second, func() bool { return server.Client.Set(t.Context(), "ready", 1, 0).Err() == nil }, "Redis takes writes")
	require.NoError(t, server.Client.Del(t.Context(), "ready").Err())
}
