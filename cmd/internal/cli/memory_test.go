package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheBoundOfMemoryLeavesRoomAboveWhatIsHeld(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, softMemoryBytes, softLimit(0))
	require.EqualValues(t, softMemoryBytes, softLimit(softMemoryBytes/2), "of a process that holds little")
	require.EqualValues(t, 150<<20, softLimit(100<<20), "else the collector would run all the time")
	m := readMemory()
	require.Positive(t, m.allocated)
	require.Positive(t, m.held)
}

func TestTheCollectorFollowsWorkAtOnceAndRestAfterAWhile(t *testing.T) {
	t.Parallel()
	var w workload
	allocated := uint64(0)
	look := func(more uint64) bool {
		allocated += more
		return w.look(allocated)
	}
	for range idleLooks - 1 {
		require.False(t, look(0))
	}
	require.True(t, look(idleBytes-1))
	require.True(t, look(0))
	require.False(t, look(idleBytes), "one look is enough")
	require.False(t, look(0))
}
