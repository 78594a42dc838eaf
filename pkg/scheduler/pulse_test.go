package scheduler_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/pulsetest"
)

// stoppable is a table whose server gives no answer to a question for its clock.
type stoppable struct {
	*table
	stopped atomic.Bool
}

func (s *stoppable) Clock(ctx context.Context) (time.Time, *time.Location, error) {
	if s.stopped.Load() {
		<-ctx.Done()
		return time.Time{}, nil, ctx.Err()
	}
	return s.table.Clock(ctx)
}

func (s *stoppable) RecentClock(ctx context.Context) (time.Time, *time.Location, error) {
	return s.Clock(ctx)
}

func TestLoopsAreHeardUntilTheyHangOrEnd(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.job.Update.Enabled = true
		b.job.Insert.Every = time.Hour // the loop may rest so long
		clock := &stoppable{table: b.table}
		leader, follower := &pulsetest.Listener{}, &pulsetest.Listener{}
		b.pulse, b.source = leader, clock
		_, stopLeader, _ := b.start("leader")
		b.pass(time.Second)
		b.pulse = follower
		_, stopFollower, _ := b.start("follower")
		b.pass(30 * time.Minute)
		require.Equal(t, []string{"insert scan", "late pass", "lead", "update scan"}, leader.Living())
		require.Equal(t, []string{"lead"}, follower.Living())
		require.Empty(t, leader.Silent())
		require.Empty(t, follower.Silent())

		clock.stopped.Store(true)
		b.pass(30 * time.Minute)
		require.Equal(t, []string{"update scan"}, leader.Silent(), "its query gets no answer")

		stopLeader()
		require.Empty(t, leader.Living())
		b.pass(time.Minute)
		require.Len(t, follower.Living(), 4, "it leads now")
		stopFollower()
		require.Empty(t, follower.Living())
	})
}
