package mysqltest_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
)

func TestDatabaseIsEmptyAndReachableByItsDSN(t *testing.T) {
	t.Parallel()
	db := mysqltest.Shared(t).Database(t)
	db.Exec(t, "CREATE TABLE user (id BIGINT PRIMARY KEY, name VARCHAR(20)); INSERT INTO user VALUES (1, 'é😀')")
	db.Exec(t, "INSERT INTO user VALUES (?, ?)", 2, "x")

	client, err := sql.Open("mysql", db.DSN)
	require.NoError(t, err)
	defer client.Close()
	require.Equal(t, "é😀", text(t, client, "SELECT name FROM user WHERE id = 1"))
	require.Equal(t, "2", text(t, client, "SELECT COUNT(*) FROM user"))
	require.Equal(t, "utf8mb4", text(t, client, "SELECT @@character_set_database"))
	_, err = client.ExecContext(t.Context(), "SELECT 1; SELECT 2")
	require.Error(t, err, "a DSN as users write it takes one statement at a time")
}

func TestDatabaseNamesAreUniqueHoweverLongTheTest(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	t.Run(strings.Repeat("long name ", 20), func(t *testing.T) {
		a, b := server.Database(t), server.Database(t)
		require.NotEqual(t, a.Name, b.Name)
		require.LessOrEqual(t, len(a.Name), 64)
	})
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	var name string
	t.Run("short-lived", func(t *testing.T) { name = server.Database(t).Name })
	db := server.Database(t)
	require.Equal(t, "0", text(t, db.DB, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?", name))
}

func TestKillAndRestartKeepCommittedRows(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{Durable: true})
	db := server.Database(t)
	db.Exec(t, "CREATE TABLE user (id BIGINT PRIMARY KEY); INSERT INTO user VALUES (1), (2)")

	server.Kill(t)
	require.Error(t, db.DB.PingContext(t.Context()))

	server.Restart(t)
	require.Equal(t, "2", text(t, db.DB, "SELECT COUNT(*) FROM user"))

	server.Stop(t)
	server.Restart(t)
	require.Equal(t, "2", text(t, db.DB, "SELECT COUNT(*) FROM user"))
}

func TestPausedServerHangsAndResumes(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{})
	db := server.Database(t)

	server.Pause(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := db.DB.ExecContext(ctx, "DO 1")
	require.ErrorIs(t, err, context.DeadlineExceeded)

	server.Resume(t)
	eventually.Until(t, 10*time.Second, func() bool { return db.DB.PingContext(t.Context()) == nil }, "the server answers again")
}

func TestTimeZoneIsTheServers(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{TimeZone: "+08:00", ExtraArgs: []string{"--max-connections=77"}})
	db := server.Database(t)
	require.Equal(t, "08:00:00", text(t, db.DB, "SELECT TIMEDIFF(NOW(), UTC_TIMESTAMP())"))
	require.Equal(t, "77", text(t, db.DB, "SELECT @@max_connections"))
}

func TestDSNCarriesThePassword(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{})
	config, err := mysql.ParseDSN(server.DSN("shop"))
	require.NoError(t, err)
	require.Equal(t, mysqltest.User, config.User)
	require.Equal(t, mysqltest.Password, config.Passwd)
	require.Equal(t, "shop", config.DBName)
	require.Equal(t, server.Addr, config.Addr)
}

func text(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var s string
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&s))
	return s
}
