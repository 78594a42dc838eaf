package mysql_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// account makes a user with rights on one server; it gives the DSN for a database.
func account(t *testing.T, on *mysqltest.Database, name, rights string) string {
	t.Helper()
	on.Exec(t, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY 'least'", name))
	t.Cleanup(func() { _, _ = on.DB.Exec(fmt.Sprintf("DROP USER '%s'@'%%'", name)) })
	if rights != "" {
		on.Exec(t, fmt.Sprintf("GRANT %s TO '%s'@'%%'", rights, name))
	}
	return fmt.Sprintf("%s:least@tcp(%s)/%s", name, on.Server.Addr, on.Name)
}

func TestAServerIsExamined(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Start(t, mysqltest.Options{TimeZone: "+08:00"})) // its host is in another zone
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB")
	open1, err := p.source.DB.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, open1.Rollback()) }()
	_, err = open1.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
	require.NoError(t, err)

	d := open(t, p.source.DSN)
	require.Eventually(t, func() bool { // the server shows what it knew a moment ago
		h, err := d.Examine(t.Context())
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), h.Now, 10*time.Second)
		require.Equal(t, "+08:00", h.Zone.String())
		require.Equal(t, "'cupid'@'%'", h.Account)
		require.NotEmpty(t, h.Version)
		require.False(t, h.Replica)
		require.Empty(t, h.Hidden)
		require.Less(t, h.Oldest, time.Minute)
		return h.Oldest >= time.Second
	}, 20*time.Second, 100*time.Millisecond)
}

func TestWhatAnAccountMayNotSeeIsNoError(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	h, err := open(t, account(t, p.source, "least@x", "SELECT ON t")).Examine(t.Context())
	require.NoError(t, err)
	require.Equal(t, "'least@x'@'%'", h.Account)
	require.Len(t, h.Hidden, 2)
	require.Contains(t, h.Hidden[0].Mend, "TO 'least@x'@'%'")
	require.Equal(t, "GRANT PROCESS ON *.* TO 'least@x'@'%'", h.Hidden[1].Mend)
	p.source.Exec(t, h.Hidden[0].Mend)
	p.source.Exec(t, h.Hidden[1].Mend)
	h, err = open(t, "least@x:least@tcp("+p.source.Server.Addr+")/"+p.source.Name).Examine(t.Context())
	require.NoError(t, err)
	require.Empty(t, h.Hidden, "the mends are enough")
}

func TestAReplicaThatStandsStill(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{})
	p := newPair(t, server)
	p.source.Exec(t, "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='nobody'")
	h, err := open(t, p.source.DSN).Examine(t.Context())
	require.NoError(t, err)
	require.True(t, h.Replica)
	require.Negative(t, h.Behind)
}

// inspectAs is inspect with another account at the source.
func (p *pair) inspectAs(t *testing.T, dsn string) (*mysql.Plan, error) {
	t.Helper()
	p.job.Source.DSN = job.NewSecret(dsn)
	return p.inspect(t)
}

func TestATableThatTheAccountMayNotReadIsNamedAsThat(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT)")
	p.destination.Exec(t, narrow)
	p.source.Exec(t, "CREATE TABLE other (id INT PRIMARY KEY)")
	plan, err := p.inspectAs(t, account(t, p.source, "blind", "SELECT ON other"))
	require.Nil(t, plan)
	var mistakes *table.ConfigError
	require.ErrorAs(t, err, &mistakes)
	require.Len(t, mistakes.Problems, 1)
	require.Contains(t, mistakes.Problems[0].What, "the account may not read the table")
	grant := fmt.Sprintf("GRANT SELECT ON %#q.`t` TO 'blind'@'%%'", p.source.Name)
	require.Contains(t, mistakes.Problems[0].Mend, grant)
	p.source.Exec(t, grant)
	plan, err = p.inspectAs(t, "blind:least@tcp("+p.source.Server.Addr+")/"+p.source.Name)
	require.NoError(t, err)
	require.NotNil(t, plan)
}
