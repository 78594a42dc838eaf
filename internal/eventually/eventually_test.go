package eventually_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
)

func TestHoldsLooksAtOnceAndOnceMoreAfterTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		require.True(t, eventually.Holds(0, func() bool { return true }))
		require.Zero(t, time.Since(start))

		require.True(t, eventually.Holds(time.Second, func() bool { return time.Since(start) >= time.Second }))
		require.Equal(t, time.Second, time.Since(start))

		require.False(t, eventually.Holds(time.Second, func() bool { return false }))
	})
}

func TestUntilReturnsWhenTheConditionHolds(t *testing.T) {
	t.Parallel()
	looks := 0
	eventually.Until(t, time.Minute, func() bool { looks++; return looks == 3 }, "the third look")
	require.Equal(t, 3, looks)
}
