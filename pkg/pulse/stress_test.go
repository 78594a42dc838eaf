package pulse_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/pulse"
)

// Loops that come and go are forgotten, while somebody asks who is silent.
func TestLoopsMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	var m pulse.Monitor
	var n atomic.Int64
	lifecycletest.Stress{}.Loop(t, func(ctx context.Context) {
		name := fmt.Sprint("loop ", n.Add(1))
		defer m.End(name)
		for ctx.Err() == nil {
			m.Turn(name, time.Minute)
			m.Silent()
		}
	})
	m.Turn("last", 0)
	time.Sleep(time.Millisecond)
	require.Len(t, m.Silent(), 1)
}
