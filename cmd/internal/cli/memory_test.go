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
