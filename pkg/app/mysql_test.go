package app_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// account makes an account that may do nothing yet.
func (w *world) account(password string) (name string) {
	w.t.Helper()
	name = "u" + w.source.Name[max(0, len(w.source.Name)-20):]
	w.source.Exec(w.t, fmt.Sprintf("CREATE USER '%s'@'%%' IDENTIFIED BY '%s'", name, password))
	w.t.Cleanup(func() { _, _ = w.source.DB.Exec(fmt.Sprintf("DROP USER '%s'@'%%'", name)) })
	return name
}

// as is a DSN with other credentials.
func as(t *testing.T, dsn, user, password string) job.Secret {
	t.Helper()
	c, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	c.User, c.Passwd = user, password
	return job.NewSecret(c.FormatDSN())
}

// An account that may read the mapped tables, and nothing else on the server, is enough.
func TestSelectOnTheTablesIsEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const password = "LeastGrants-1"
	name := w.account(password)
	w.source.Exec(t, fmt.Sprintf("GRANT SELECT ON %s.shop TO '%s'@'%%'; GRANT SELECT ON %s.shop TO '%[2]s'@'%%'", w.source.Name, name, w.far.Name))
	w.job.Source.DSN, w.job.Destinations[0].DSN = as(t, w.source.DSN, name, password), as(t, w.far.DSN, name, password)
	w.job.Update = job.UpdateScan{Enabled: true, Every: w.job.Insert.Every, Column: "updated", Window: w.job.ConfirmDelay}
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(300)...)
	w.fleet()
	w.done(300)
	w.source.Exec(t, "UPDATE shop SET name = 'new' WHERE id = 7")
	w.settled()
	require.NotContains(t, w.log.String(), password)
}

// The password changes while the fleet runs: the file of the DSN is read again, by all connections.
func TestAPasswordIsRotatedWithoutARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const first, second = "Rotated-1", "Rotated-2"
	name := w.account(first)
	w.source.Exec(t, fmt.Sprintf("GRANT SELECT ON %s.shop TO '%s'@'%%'", w.source.Name, name))
	file := filepath.Join(t.TempDir(), "dsn")
	write := func(password string) {
		require.NoError(t, os.WriteFile(file, []byte(as(t, w.source.DSN, name, password).Reveal()+"\n"), 0o600))
	}
	write(first)
	w.job.Source.DSN, w.job.Source.DSNFile = as(t, w.source.DSN, name, first), file
	w.receiver.Behave(w.repairing())
	w.insert(w.source, 1)
	p := w.runConfig(app.Both, w.config(w.job))
	w.settled()

	w.source.Exec(t, fmt.Sprintf("ALTER USER '%s'@'%%' IDENTIFIED BY '%s'", name, second))
	w.source.Exec(t, "KILL USER '"+name+"'") // as a restart of the server does
	w.insert(w.source, 2)
	w.until(func() bool {
		ready, why := p.Ready(t.Context())
		return !ready && strings.Contains(why, "1045")
	}, "it says that it is refused")
	write(second)
	w.settled()
	require.NotContains(t, w.log.String(), first)
	require.NotContains(t, w.log.String(), second)
	require.NoError(t, p.stop())
}

// A server that takes no more connections is waited for.
func TestAServerWithoutAFreeConnectionIsWaitedFor(t *testing.T) {
	t.Parallel()
	database := mysqltest.Start(t, mysqltest.Options{})
	w := newWorld(t)
	w.source = database.Database(t)
	w.source.Exec(t, table)
	w.job.Source.DSN, w.job.Source.Shard.Database = job.NewSecret(w.source.DSN), w.source.Name
	const password = "Crowded-1"
	name := w.account(password) // SUPER has a connection in reserve
	w.source.Exec(t, fmt.Sprintf("GRANT SELECT ON %s.shop TO '%s'@'%%'", w.source.Name, name))
	w.job.Source.DSN = as(t, w.source.DSN, name, password)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, 1)
	p := w.runConfig(app.Both, w.config(w.job))
	w.done(1)
	ours, err := w.source.DB.Conn(t.Context())
	require.NoError(t, err)
	do := func(statement string) {
		_, err := ours.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	do("SET GLOBAL max_connections = 10")
	held := []*sql.Conn{ours}
	for len(held) < 20 { // of the reserve too, if need be
		conn, err := w.source.DB.Conn(t.Context())
		if err != nil {
			break
		}
		held = append(held, conn)
	}
	do("KILL USER '" + name + "'")
	for range 10 { // what became free
		if conn, err := w.source.DB.Conn(t.Context()); err == nil {
			held = append(held, conn)
		}
	}
	w.until(func() bool {
		ready, why := p.Ready(t.Context())
		return !ready && strings.Contains(why, "database ")
	}, "it is not ready")
	do("SET GLOBAL max_connections = 151")
	for _, conn := range held {
		require.NoError(t, conn.Close())
	}
	w.insert(w.source, 2)
	w.done(2)
	require.NoError(t, p.stop())
}

// A server that wants TLS is spoken to with it, and one whose certificate nobody vouches for is
// refused: no password goes there.
func TestMySQLBehindTLS(t *testing.T) {
	t.Parallel()
	cert, key := tlsFiles(t)
	database := mysqltest.Start(t, mysqltest.Options{ExtraArgs: []string{"--ssl-cert=" + cert, "--ssl-key=" + key}})
	w := newWorld(t)
	w.source = database.Database(t)
	w.source.Exec(t, table)
	const password = "Encrypted-1"
	name := w.account(password)
	w.source.Exec(t, fmt.Sprintf("ALTER USER '%s'@'%%' REQUIRE SSL; GRANT SELECT ON %s.shop TO '%[1]s'@'%%'", name, w.source.Name))
	w.job.Source.Shard.Database = w.source.Name
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(50)...)
	with := func(tls string) job.Secret {
		c, err := mysql.ParseDSN(as(t, w.source.DSN, name, password).Reveal())
		require.NoError(t, err)
		c.TLSConfig = tls
		return job.NewSecret(c.FormatDSN())
	}
	for tls, says := range map[string]string{"false": "refuses the user or the password", "true": "certificate cannot be trusted"} {
		w.job.Source.DSN = with(tls)
		err := w.runConfig(app.Worker, w.config(w.job)).wait()
		require.ErrorIs(t, err, app.ErrConfig, "tls=%s", tls)
		require.ErrorContains(t, err, says, "tls=%s", tls)
	}
	w.job.Source.DSN = with("skip-verify")
	w.fleet()
	w.done(50)
}
