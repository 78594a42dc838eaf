package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAJobIsForgotten(t *testing.T) {
	t.Parallel()
	ways(t, testRemove)
}

func testRemove(t *testing.T, way reach) {
	t.Helper()
	whom := way(t, queued(t, 3))
	cupid := func(want int, args ...string) string {
		t.Helper()
		return cupid(t, whom, want, args...)
	}
	require.Contains(t, cupid(2, "jobs", "rm", "--yes"), "say one job, not 0")
	require.Contains(t, cupid(2, "jobs", "rm", "users"), "say why with --reason, or --yes")
	require.Contains(t, cupid(2, "jobs", "rm", "", "--yes"), `job ""`)
	require.Contains(t, cupid(2, "jobs", "rm", "nobody", "--yes"), `no job "nobody"; there are: users`)
	require.Contains(t, cupid(0, "jobs"), "users")
	require.Equal(t, "users is forgotten, 5 keys\n", cupid(0, "jobs", "rm", "users", "--reason", "ticket 17"))
	require.Equal(t, "no job is known yet\n", cupid(0, "jobs"))
}
