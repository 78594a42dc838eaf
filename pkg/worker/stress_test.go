package worker

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// laden is a worker with a range to compare and callbacks to deliver.
func laden() *fixture {
	callback := waits
	callback.Timeout = time.Second
	f := newFixture(callback)
	f.c.Grace = time.Millisecond
	for i := range 20 {
		key := fmt.Sprintf("k%02d", i)
		f.tables.source[key] = "v"
		f.queue.callbacks = append(f.queue.callbacks, due(key))
	}
	f.queue.ranges = []job.LeasedRange{whole()}
	return f
}

// Whenever it ends, what was leased is told of.
func TestAWorkerMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	lifecycletest.Stress{Longest: 20 * time.Millisecond}.Loop(t, func(ctx context.Context) {
		f := laden()
		f.Wake(job.WakeAll)
		f.Run(ctx)
		f.Wake(job.WakeAll)
		if f.Busy() != 0 {
			t.Errorf("%d items are still held", f.Busy())
		}
		f.queue.do(func() {
			if told := len(f.queue.acked) + len(f.queue.released) + len(f.queue.retried); told+len(f.queue.ranges) != 1 {
				t.Errorf("of one range %d are waiting and %d were told of", len(f.queue.ranges), told)
			}
			settled := 0
			for _, batch := range f.queue.settled {
				settled += len(batch)
			}
			if settled+len(f.queue.callbacks) != 20 {
				t.Errorf("of 20 callbacks %d are waiting and %d were settled", len(f.queue.callbacks), settled)
			}
		})
	})
}

// The same while Redis is away: everything waits, and everything ends.
func TestAWorkerWithoutARedisMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	lifecycletest.Stress{}.Loop(t, func(ctx context.Context) {
		f := laden()
		f.queue.away = errAway
		f.Run(ctx)
	})
}

func TestEachLoopMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*fixture, context.Context){
		"comparer":  func(f *fixture, ctx context.Context) { f.comparer.run(ctx, ctx) },
		"deliverer": func(f *fixture, ctx context.Context) { f.deliveries[0].run(ctx, ctx) },
		"promoter":  func(f *fixture, ctx context.Context) { f.promote(ctx) },
		"reclaimer": func(f *fixture, ctx context.Context) { f.reclaim(ctx) },
		"keeper": func(f *fixture, ctx context.Context) {
			k := newKeeper(time.Millisecond, f.c.Log, f.queue.ExtendRanges)
			k.keep("a", "token", time.Now(), func() {})
			k.run(ctx)
			k.drop("a", "token")
		},
		"settler": func(f *fixture, ctx context.Context) {
			s, stop := newSettler(ctx, f.deliveries[0])
			s.settle(decision{settle: &job.Settlement{Callback: due("a"), To: job.Closed}}, true)
			stop()
			if n := len(f.queue.all()); n != 1 {
				t.Errorf("of one callback %d were settled", n)
			}
		},
		"bell": func(f *fixture, ctx context.Context) {
			f.ranges.ring()
			f.ranges.wait(ctx, time.Hour)
			f.ranges.wait(ctx, time.Hour)
		},
		"slots": func(_ *fixture, ctx context.Context) {
			s := NewSlots(2)
			var others sync.WaitGroup
			for range 3 {
				others.Go(func() {
					if s.take(ctx) == nil && s.takeAll(ctx) == nil {
						s.giveAll()
					}
				})
			}
			others.Wait()
			if !s.free.TryAcquire(s.all) {
				t.Error("a slot is still taken")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lifecycletest.Stress{}.Loop(t, func(ctx context.Context) { run(laden(), ctx) })
		})
	}
}
