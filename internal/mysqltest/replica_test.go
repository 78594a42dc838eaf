package mysqltest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
)

func TestAReplicaFollowsItsPrimary(t *testing.T) {
	t.Parallel()
	primary := mysqltest.StartPrimary(t, mysqltest.Options{})
	d := primary.Database(t)
	d.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)")
	replica := primary.Replica(t, mysqltest.Options{})
	replica.CatchUp(t, primary)
	d.Exec(t, "INSERT INTO t VALUES (2)")
	replica.CatchUp(t, primary)
	rows := replica.Open(t, d.Name)
	var n int
	require.NoError(t, rows.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t").Scan(&n))
	require.Equal(t, 2, n)

	replica.Exec(t, "STOP SLAVE")
	d.Exec(t, "INSERT INTO t VALUES (3)")
	require.NoError(t, rows.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t").Scan(&n))
	require.Equal(t, 2, n)
	replica.Exec(t, "START SLAVE")
	replica.CatchUp(t, primary)
	require.NoError(t, rows.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t").Scan(&n))
	require.Equal(t, 3, n)
}
