package throttle

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Queries that are given up while they wait keep no permit.
func TestAQueryMayBeGivenUpAtAnyMoment(t *testing.T) {
	t.Parallel()
	permits := NewLocal()
	limits := job.Load{Queries: 3, ThreadsRunning: 10}
	gate := NewGate("db:3306", limits, permits, func(string, string, time.Duration) {})
	lifecycletest.Stress{AtOnce: 20}.Loop(t, func(ctx context.Context) {
		leave, err := gate.Enter(ctx, well)
		if err != nil {
			return
		}
		time.Sleep(time.Millisecond)
		leave(10)
	})
	var all sync.WaitGroup
	for _, token := range []string{"a", "b", "c"} {
		all.Go(func() {
			if wait, err := permits.Enter(context.Background(), "db:3306", token, limits); wait != 0 || err != nil {
				t.Errorf("a permit is still taken: wait %s, %v", wait, err)
			}
		})
	}
	all.Wait()
}
