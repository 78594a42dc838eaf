package scheduler_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// far is the table as one host sees it, which may be cut off.
type far struct {
	*table
	gone atomic.Bool
}

func (f *far) Bounds(ctx context.Context, cursor job.Point) (top job.Point, found, behind bool, err error) {
	if f.gone.Load() {
		return job.Point{}, false, false, errCut
	}
	return f.table.Bounds(ctx, cursor)
}

func (f *far) Still(ctx context.Context, top job.Point) (bool, error) {
	if f.gone.Load() {
		return false, errCut
	}
	return f.table.Still(ctx, top)
}

// TestALeaderThatCannotReachItsSourceLetsAnotherLead, and comes back when it is needed.
func TestALeaderThatCannotReachItsSourceLetsAnotherLead(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		here := &far{table: b.table}
		b.source = here
		b.start("first")
		b.source = nil
		b.table.fill(1, 10)
		b.pass(2 * time.Second)
		_, _, kill := b.start("second")
		here.gone.Store(true)
		b.table.fill(11, 20)
		b.pass(2 * ttl)
		require.Equal(b.t, []string{"first"}, b.store.led(), "a source may be gone for a moment")
		b.pass(4*ttl + poll)
		require.Equal(b.t, []string{"first", "second"}, b.store.led())
		require.Equal(b.t, 1, b.log.count("another scheduler may lead"))
		require.Equal(b.t, "..10 10..20", b.ids(job.Insert))
		b.pass(time.Hour)
		require.Equal(b.t, []string{"first", "second"}, b.store.led(), "it stays with the one that reaches the source")

		here.gone.Store(false)
		kill()
		b.table.fill(21, 30)
		b.pass(ttl + poll + time.Second)
		require.Equal(b.t, []string{"first", "second", "first"}, b.store.led())
		require.Equal(b.t, "..10 10..20 20..30", b.ids(job.Insert))
	})
}

// TestASourceThatIsDownForAll: the lead goes round ever more seldom, and the work goes on as soon as the source is back.
func TestASourceThatIsDownForAll(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.table.fill(1, 10)
		b.table.set(func(d *table) { d.down = errCut })
		b.start("first")
		b.start("second")
		b.pass(4 * time.Hour)
		led := len(b.store.led())
		require.Greater(b.t, led, 10)
		require.Less(b.t, led, 25)
		b.table.set(func(d *table) { d.down = nil })
		b.pass(time.Minute) // the longest pause of a scan that fails, and a change of the lead
		require.Equal(b.t, "..10", b.ids(job.Insert))
		require.LessOrEqual(b.t, len(b.store.led()), led+1)
	})
}

// TestOneScanThatFailsCostsNoLead: the other would stand still for nothing.
func TestOneScanThatFailsCostsNoLead(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		here := &far{table: b.table}
		here.gone.Store(true)
		b.source = here
		b.job.Update = job.UpdateScan{Enabled: true, Every: 2 * time.Minute, Window: 20 * time.Second}
		b.start("first")
		b.pass(time.Second)
		b.start("second")
		b.pass(time.Hour)
		require.Equal(b.t, []string{"first"}, b.store.led())
	})
}
