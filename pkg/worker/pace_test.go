package worker

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestBatchesGrowUntilTheirPOSTsTakeHalfASecond(t *testing.T) {
	t.Parallel()
	var p pace
	require.Equal(t, 16, p.batch(8), "before anything is known")
	p.note(16, 16*time.Second)
	require.Equal(t, 8, p.batch(8), "a POST takes a second")
	for range 20 {
		p.note(10, 500*time.Millisecond)
	}
	require.InDelta(t, 80, p.batch(8), 1, "a POST takes 50 ms")
	for range 60 {
		p.note(10, 0)
	}
	require.Equal(t, leaseBatch, p.batch(8), "no POST is needed")
	require.Equal(t, leaseBatch, new(pace).batch(10*leaseBatch))
}

// TestASlowReceiversCallbacksAreLeftToOtherWorkers: what one worker leases and
// cannot send soon, nobody sends.
func TestASlowReceiversCallbacksAreLeftToOtherWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		for i := range 200 {
			key := fmt.Sprint(i)
			f.tables.source[key] = "v"
			f.queue.callbacks = append(f.queue.callbacks, due(key))
		}
		f.receiver.answer = func(context.Context, job.Delivery) job.Answer {
			time.Sleep(time.Second)
			a := yes
			a.Took = time.Second
			return a
		}
		stop := f.start(t.Context())
		defer stop()
		time.Sleep(20*time.Second - 100*time.Millisecond) // in the middle of the last ones
		require.Equal(t, 20*waits.Concurrency, f.receiver.count())
		f.queue.do(func() {
			require.GreaterOrEqual(t, len(f.queue.callbacks), 200-20*waits.Concurrency-(readAhead+2)*waits.Concurrency)
		})
	})
}
