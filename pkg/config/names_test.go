package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// names loads a job with destinations at these addresses and returns their names.
func names(t *testing.T, addresses ...string) []string {
	t.Helper()
	text := "jobs:\n  - source: {dsn: u@tcp(h)/db, table: user, byColumn: number}\n    destinations:\n"
	for _, address := range addresses {
		text += fmt.Sprintf("      - {dsn: %q, columns: [k], callback: off}\n", address)
	}
	var all []string
	for _, d := range loadJobs(t, text).Jobs[0].Destinations {
		require.True(t, job.ValidName(d.Name), d.Name)
		all = append(all, d.Name)
	}
	return all
}

func TestDestinationNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"db1.user", "db2.user"}, names(t, "u@tcp(h)/db1", "u@tcp(h)/db2"))
	require.Equal(t, []string{"db2.user@10.0.0.5", "db2.user@db-6.local", "db3.user"},
		names(t, "u@tcp(10.0.0.5:3306)/db2", "u@tcp(db-6.local)/db2", "u@tcp(h)/db3"))
	require.Equal(t, []string{"db2.user@10.0.0.5-3306", "db2.user@10.0.0.5-3307", "db2.user@10.0.0.6"},
		names(t, "u@tcp(10.0.0.5)/db2", "u@tcp(10.0.0.5:3307)/db2", "u@tcp(10.0.0.6)/db2"))
	require.Equal(t, []string{"db2.user@_run_a.sock", "db2.user@__1"}, names(t, "u@unix(/run/a.sock)/db2", "u@tcp([::1]:3306)/db2"))
}

// Names that are too long keep apart what they can no longer spell out.
func TestLongDestinationNames(t *testing.T) {
	t.Parallel()
	host := strings.Repeat("long-host.", 8)
	long := names(t, "u@tcp("+host+"a)/db2", "u@tcp("+host+"b)/db2")
	require.NotEqual(t, long[0], long[1])
	require.Len(t, long[0], 64)
}
