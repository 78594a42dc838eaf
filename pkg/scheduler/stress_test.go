package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/scheduler"
)

// Many schedulers of one job that come and go leave no lock and no gap behind.
func TestASchedulerMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	all := newStore()
	source := &table{unit: time.Microsecond, zone: time.UTC}
	source.fill(1, 500)
	var n atomic.Int64
	run := func(ctx context.Context) {
		id := n.Add(1)
		who := fmt.Sprint(id)
		source.write(0, fmt.Sprint(1000+id))
		s := scheduler.New(scheduler.Config{
			Job: job.Job{
				Name: "db.user", Source: job.Source{Shard: job.Shard{Database: "db", Table: "user"}},
				Insert:    job.InsertScan{Enabled: true, Every: time.Millisecond},
				Update:    job.UpdateScan{Enabled: true, Every: time.Millisecond, Window: time.Second},
				RangeRows: 7, LateCommit: 10 * time.Millisecond, MaxRanges: 1_000_000, MaxCallbacks: 1000,
			},
			Table: source, Queue: &process{store: all, who: who}, Who: who, LockTTL: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		})
		if err := s.Run(ctx); err != nil {
			t.Errorf("%s ended with %v", who, err)
		}
	}
	lifecycletest.Stress{Longest: 100 * time.Millisecond}.Loop(t, run)
	all.do(func() {
		require.False(t, time.Now().Before(all.ends), "the last one left its lock")
		require.NotEmpty(t, all.leaders)
	})

	// Whatever they left, the next one goes on.
	ctx, cancel := context.WithCancel(t.Context())
	var last sync.WaitGroup
	last.Go(func() { run(ctx) })
	eventually.Until(t, time.Minute, func() bool {
		return all.cursor(job.Insert) == fmt.Sprint(1000+n.Load()) && len(all.of(job.Update)) > 0
	}, "everything is claimed")
	cancel()
	last.Wait()
	require.Empty(t, all.violations)
}

// The same while the store is away.
func TestASchedulerWithoutAStoreMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	lifecycletest.Stress{}.Loop(t, func(ctx context.Context) {
		away := &process{store: newStore(), who: "p", fate: func(string) (before, after error) { return errCut, nil }}
		s := scheduler.New(scheduler.Config{Job: job.Job{Name: "db.user"}, Table: &table{}, Queue: away, Log: slog.New(slog.DiscardHandler)})
		if err := s.Run(ctx); err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}
