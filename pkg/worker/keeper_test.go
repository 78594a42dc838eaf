package worker

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// keeping runs a keeper inside a bubble until the test's end.
func keeping(t *testing.T, q *queue) *keeper {
	t.Helper()
	k := newKeeper(lease, slog.New(slog.DiscardHandler), q.ExtendRanges)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); k.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return k
}

func TestKeeperExtendsOnlyWhatMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		k := keeping(t, q)
		k.keep("still", "1", time.Now(), func() {})
		k.keep("moving", "2", time.Now(), func() {})
		k.keep("dropped", "3", time.Now(), func() {})
		k.drop("dropped", "another's")
		require.Equal(t, 3, k.count())
		k.drop("dropped", "3")
		require.Equal(t, 2, k.count())
		for range 10 {
			time.Sleep(9 * time.Second)
			k.progress("moving")
			k.progress("unknown")
		}
		synctest.Wait()
		both, one := map[string]string{"still": "1", "moving": "2"}, map[string]string{"moving": "2"}
		require.Equal(t, []map[string]string{both, both}, q.extended[:2])
		require.Len(t, q.extended, 9)
		for _, leases := range q.extended[2:] {
			require.Equal(t, one, leases)
		}
		require.False(t, k.outlasts("still", "1", 0))
		require.True(t, k.outlasts("moving", "2", lease/2))
	})
}

func TestKeeperTrustsALeaseFromBeforeItWasAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		k := newKeeper(lease, slog.New(slog.DiscardHandler), func(ctx context.Context, leases map[string]string) ([]string, error) {
			time.Sleep(4 * time.Second) // the way to the server and back
			return q.ExtendRanges(ctx, leases)
		})
		asked := time.Now()
		time.Sleep(5 * time.Second)
		k.keep("a", "1", asked, func() {})
		require.True(t, k.outlasts("a", "1", lease-5*time.Second-1))
		require.False(t, k.outlasts("a", "1", lease-5*time.Second))
		require.False(t, k.outlasts("a", "2", 0), "leased anew by somebody else")
		require.False(t, k.outlasts("b", "1", 0))

		k.extendAll(t.Context())
		require.True(t, k.outlasts("a", "1", lease-4*time.Second-1))
		require.False(t, k.outlasts("a", "1", lease-4*time.Second))

		q.away = errAway
		k.extendAll(t.Context())
		require.True(t, k.outlasts("a", "1", lease-8*time.Second-1), "an extension without an answer proves nothing")
		require.False(t, k.outlasts("a", "1", lease-8*time.Second))
	})
}

func TestKeeperCancelsWhatWasLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &queue{lost: []string{"a", "c"}}
		k := keeping(t, q)
		ctx, cancel := context.WithCancel(t.Context())
		other, cancelOther := context.WithCancel(t.Context())
		defer cancelOther()
		k.keep("a", "1", time.Now(), cancel)
		k.keep("b", "1", time.Now(), cancelOther)
		began := time.Now()
		<-ctx.Done()
		require.Equal(t, lease/3, time.Since(began))
		require.NoError(t, other.Err())
		require.Equal(t, 1, k.count())
	})
}

func TestKeeperLeavesAnItemThatWasLeasedAnewMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k *keeper
		lost := 0
		k = newKeeper(lease, slog.New(slog.DiscardHandler), func(context.Context, map[string]string) ([]string, error) {
			k.keep("a", "2", time.Now(), func() { lost++ })
			return []string{"a"}, nil
		})
		k.keep("a", "1", time.Now(), func() { lost++ })
		k.extendAll(t.Context())
		require.Zero(t, lost)
		require.True(t, k.outlasts("a", "2", lease-1))
	})
}
