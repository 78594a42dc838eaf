package broker

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/internal/redistest"
)

// Listeners come and go at any moment, on a client that is closed then, with a Redis that is there or not.
func TestListenersMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	server := redistest.Shared(t)
	for name, addr := range map[string]string{"there": server.Addr, "away": "127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prefix := server.Prefix(t)
			var heard atomic.Int64
			lifecycletest.Stress{Rounds: 100, Longest: 20 * time.Millisecond}.Loop(t, func(ctx context.Context) {
				b := Open(Config{Addrs: []string{addr}, Prefix: prefix}, Options{Name: "test"})
				if err := b.Hints(ctx, func(Hint) { heard.Add(1) }); err == nil {
					t.Error("it ended without a reason")
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
			require.Equal(t, name == "there", heard.Load() > 0, "a listener is told to look at everything first")
		})
	}
}

// Leaders come and go at any moment; a lock whose reply was cut off ends by itself.
func TestLeadersMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		var led atomic.Int64
		lifecycletest.Stress{Rounds: 100}.Loop(f, func(ctx context.Context) {
			l, err := f.Lead(ctx, time.Minute, "leader")
			if err != nil {
				return
			}
			led.Add(1)
			_ = l.Refresh(ctx, time.Minute)
			if err := l.Release(context.WithoutCancel(ctx)); err != nil {
				f.Error(err)
			}
		})
		require.Positive(f, led.Load())
	})
}
