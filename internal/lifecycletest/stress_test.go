package lifecycletest_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Run(m) }

func TestLoopsEndAtRandomMoments(t *testing.T) {
	t.Parallel()
	var began, early atomic.Int32
	lifecycletest.Stress{}.Loop(t, func(ctx context.Context) {
		began.Add(1)
		if ctx.Err() != nil {
			early.Add(1)
		}
		<-ctx.Done()
	})
	require.EqualValues(t, 200, began.Load())
	require.Positive(t, early.Load(), "some end before they begin")
	require.Less(t, early.Load(), int32(150))
}

func TestStartAndStopMeet(t *testing.T) {
	t.Parallel()
	var starts, stops, first atomic.Int32
	lifecycletest.Stress{Rounds: 100, AtOnce: 3}.StartStop(t, func() (start, stop func()) {
		var mu sync.Mutex
		started := false
		start = func() {
			mu.Lock()
			defer mu.Unlock()
			started = true
			starts.Add(1)
		}
		stop = func() {
			mu.Lock()
			defer mu.Unlock()
			if !started {
				first.Add(1)
			}
			stops.Add(1)
		}
		return start, stop
	})
	require.EqualValues(t, 100, starts.Load())
	require.EqualValues(t, 200, stops.Load())
}
