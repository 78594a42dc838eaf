//go:build compose

package compose

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
)

// checker compares both tables from outside, by its own means.
type checker struct{ db *sql.DB }

func newChecker(t *testing.T, port int) checker {
	t.Helper()
	db, err := sql.Open("mysql", fmt.Sprintf("pipeline:demo@tcp(127.0.0.1:%d)/db", port))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return checker{db: db}
}

// differing are the numbers of source rows whose copy is missing or different, of
// some of them or of all.
func (c checker) differing(t testing.TB, among ...string) []string {
	t.Helper()
	query := `SELECT s.number FROM db.user s LEFT JOIN db2.user d USING (number)
		WHERE NOT (BINARY s.name <=> BINARY d.name AND BINARY s.avatar <=> BINARY d.avatar AND d.number IS NOT NULL)`
	if len(among) > 0 {
		query += " AND s.number IN ('" + strings.Join(among, "','") + "')"
	}
	rows, err := c.db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var number string
		require.NoError(t, rows.Scan(&number))
		all = append(all, number)
	}
	require.NoError(t, rows.Err())
	return all
}

// waitForRepair waits until each row that differs now was equal at some later time:
// the pipeline goes on and may break it again.
func (c checker) waitForRepair(t testing.TB) {
	t.Helper()
	began := time.Now()
	var broken []string
	eventually.Until(t, repairTime, slowly(func() bool {
		broken = c.differing(t)
		return len(broken) > 0
	}), "the pipeline breaks rows")
	n := len(broken)
	repaired := eventually.Holds(repairTime, slowly(func() bool {
		broken = c.differing(t, broken...)
		return len(broken) == 0
	}))
	require.True(t, repaired, "not repaired after %s: %s", repairTime, strings.Join(broken, ", "))
	t.Logf("%d rows differed, all were repaired within %s", n, time.Since(began).Round(time.Second))
}

// top is the greatest id of the source.
func (c checker) top(t testing.TB) (top string) {
	t.Helper()
	require.NoError(t, c.db.QueryRowContext(t.Context(), "SELECT MAX(id) FROM db.user").Scan(&top))
	return top
}
