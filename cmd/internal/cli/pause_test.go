package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAJobIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	ways(t, testPause)
}

func testPause(t *testing.T, way reach) {
	t.Helper()
	whom := way(t, queued(t, 1))
	cupid := func(want int, args ...string) string {
		t.Helper()
		return cupid(t, whom, want, args...)
	}
	require.Contains(t, cupid(2, "pause", "--reason", "x"), "say one job, not 0")
	require.Contains(t, cupid(2, "pause", "users"), "pause wants --reason")
	require.Contains(t, cupid(2, "pause", "users", "--reason", "x", "--for", "0s"), "--for 0s: want a time of at least 1s")
	require.Contains(t, cupid(2, "pause", "nobody", "--reason", "x"), `no job "nobody"; there are: users`)
	require.Equal(t, "users was not paused\n", cupid(0, "resume", "users"))

	require.Equal(t, "users stands still until cupid resume users; what is in work is finished\n", cupid(0, "pause", "users", "--reason", "ticket 17"))
	require.Regexp(t, `paused +\S+.*: ticket 17\n`, cupid(0, "status"))
	require.Regexp(t, `^users stands still until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC;`, cupid(0, "pause", "users", "--reason", "ticket 18", "--for", "2h"))
	require.Regexp(t, `paused +\S+.*: ticket 18, until .* UTC\n`, cupid(0, "status"))
	require.Equal(t, "users goes on\n", cupid(0, "resume", "users"))
	require.NotContains(t, cupid(0, "status"), "paused")

	require.Contains(t, cupid(2, "pause", "users", "--reason", "x", "--destination", "near"), `job users has no destination "near"; there are: far`)
	require.Equal(t, "callbacks of far stand still until cupid resume users --destination far; what is in work is finished\n", cupid(0, "pause", "users", "--reason", "x", "--destination", "far"))
	require.Equal(t, "callbacks of far go on\n", cupid(0, "resume", "users", "--destination", "far"))
	require.Equal(t, "callbacks of far were not held\n", cupid(0, "resume", "users", "--destination", "far"))
}
