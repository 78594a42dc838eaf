package mysqltest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExternalServerIsUsedAndClearedOfRunsThatAreOver(t *testing.T) {
	t.Parallel()
	owner := Start(t, Options{})
	const over, foreign = namePrefix + "0badcafe_1_of_a_dead_run", namePrefix + "shop_1"
	alive := owner.Database(t)
	alive.Exec(t, "CREATE DATABASE "+over+"; CREATE DATABASE "+foreign)

	server, err := external(owner.DSN("ignored"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.close()) }) // after the database is dropped
	require.Contains(t, server.origin(), EnvDSN)
	server.Database(t).Exec(t, "CREATE TABLE user (id INT)")

	var left int
	require.NoError(t, owner.admin.QueryRowContext(t.Context(),
		"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name IN (?, ?, ?)", over, foreign, alive.Name).Scan(&left))
	require.Equal(t, 2, left, "only the dead run's database is gone")
}

func TestExternalServerThatIsDownFailsAndHidesThePassword(t *testing.T) {
	t.Parallel()
	server := Start(t, Options{})
	server.Kill(t)
	_, err := external(server.DSN(""))
	require.ErrorContains(t, err, EnvDSN)
	require.ErrorContains(t, err, server.Addr)
	require.NotContains(t, err.Error(), Password)
}
