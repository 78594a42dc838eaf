package embedded

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
)

// One store after the other on one file, closed at any moment while it is written to:
// each finds what the one before had taken.
func TestAStoreMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	taken := 0 // by all of them
	lifecycletest.Stress{Rounds: 60, AtOnce: 1, Longest: 20 * time.Millisecond}.Loop(t, func(ctx context.Context) {
		s, err := Open(path, quiet)
		if err != nil {
			t.Error(err)
			return
		}
		s.Start() //nolint:contextcheck // it ends with Close
		c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1})
		found, err := c.Get(context.WithoutCancel(ctx), "n").Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Error(err)
		}
		if found != taken {
			t.Errorf("found %d, want %d", found, taken)
		}
		for ctx.Err() == nil {
			if err := c.Set(context.WithoutCancel(ctx), "n", strconv.Itoa(taken+1), 0).Err(); err != nil {
				t.Error(err)
				break
			}
			taken++
		}
		if err := errors.Join(c.Close(), s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	if taken == 0 {
		t.Error("nothing was written")
	}
}

// Clients come while it ends; they are refused, and it does not wait for them.
func TestAStoreEndsWhileClientsAsk(t *testing.T) {
	t.Parallel()
	var answered atomic.Int64
	lifecycletest.Stress{Rounds: 60, Longest: 20 * time.Millisecond}.Loop(t, func(ctx context.Context) {
		s, err := Open(statePath(t), quiet)
		if err != nil {
			t.Error(err)
			return
		}
		s.Start() //nolint:contextcheck // it ends with Close
		asking := make(chan struct{})
		go func() {
			defer close(asking)
			c := redis.NewClient(&redis.Options{Addr: s.Addr(), MaxRetries: -1})
			defer func() { _ = c.Close() }()
			for c.Incr(context.WithoutCancel(ctx), "n").Err() == nil {
				answered.Add(1)
			}
		}()
		<-ctx.Done()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-asking
	})
	if answered.Load() == 0 {
		t.Error("no client was answered")
	}
}
