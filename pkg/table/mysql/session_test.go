package mysql_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// stuck makes a source whose every read waits, for a table that is locked.
func stuck(t *testing.T, p *pair, opts mysql.Options) *mysql.Source {
	t.Helper()
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT); INSERT INTO t VALUES (1, 1), (2, 2)")
	p.destination.Exec(t, narrow)
	d, err := mysql.Open(p.job.Source.DSN, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	plan, err := mysql.Inspect(t.Context(), p.job, d, []*mysql.Database{open(t, p.destination.DSN)})
	require.NoError(t, err)

	conn, err := p.source.DB.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	_, err = conn.ExecContext(t.Context(), "LOCK TABLES t WRITE")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := conn.ExecContext(context.Background(), "UNLOCK TABLES")
		require.NoError(t, err)
	})
	return plan.Source
}

// busy makes a source whose every read computes for minutes. Unlike one that
// waits, the server does not notice that its client has gone.
func busy(t *testing.T, p *pair) *mysql.Source {
	t.Helper()
	p.source.Exec(t, "CREATE TABLE t (id INT, number INT); INSERT INTO t VALUES (1, 1)")
	p.destination.Exec(t, narrow)
	p.job.Lenient = true // a view has no index to force
	source := p.plan(t).Source
	p.source.Exec(t, "RENAME TABLE t TO base; CREATE VIEW t AS SELECT id, number + BENCHMARK(10000000000, MD5('x')) AS number FROM base")
	return source
}

// running counts the queries that run in the source database.
func running(t *testing.T, p *pair) int {
	t.Helper()
	var n int
	require.NoError(t, p.source.DB.QueryRowContext(t.Context(),
		"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = ? AND INFO IS NOT NULL AND ID <> CONNECTION_ID()", p.source.Name).Scan(&n))
	return n
}

func TestCancelEndsTheQueryOnTheServer(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	source := busy(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, _, err := source.Page(ctx, job.Range{Scan: job.Insert}, 10)
		done <- err
	}()
	eventually.Until(t, 10*time.Second, func() bool { return running(t, p) == 1 }, "the query runs")
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	eventually.Until(t, 5*time.Second, func() bool { return running(t, p) == 0 }, "the query has ended")
}

func TestCancelEndsTheFoldOnTheServer(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.columns("id")
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT); INSERT INTO t VALUES (1, 1)")
	p.destination.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT, KEY (number))")
	source := p.plan(t).Pairing(0, mysql.PairingOptions{SourceWhere: "SLEEP(60) = 0"}).Source()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := source.Fold(ctx, job.Point{}, job.Point{})
		done <- err
	}()
	eventually.Until(t, 10*time.Second, func() bool { return running(t, p) == 1 }, "the query runs")
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	eventually.Until(t, 5*time.Second, func() bool { return running(t, p) == 0 }, "the query has ended")
}

func TestDeadlineEndsTheQueryOnTheServer(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	source := busy(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := source.Lookup(ctx, []string{"1"}, true)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	eventually.Until(t, 5*time.Second, func() bool { return running(t, p) == 0 }, "the query has ended")
}

func TestServerEndsLongStatements(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	source := stuck(t, p, mysql.Options{StatementTimeout: 300 * time.Millisecond})
	start := time.Now()
	_, _, _, err := source.Page(t.Context(), job.Range{Scan: job.Insert}, 10)
	require.ErrorContains(t, err, "read a page of t at "+p.source.Server.Addr)
	require.Less(t, time.Since(start), 9*time.Second, "not by the client's own time-out")
}

// TestSessionsArePinned: whatever the DSN and the server say.
func TestSessionsArePinned(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{TimeZone: "+08:00"})
	p := newPair(t, server)
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number VARCHAR(9), c CHAR(9), u TIMESTAMP(6) NULL); INSERT INTO t VALUES (1, 'a\\\\b', 'é😀', '2026-11-22 10:00:00')")
	p.destination.Exec(t, "CREATE TABLE t (number VARCHAR(9) PRIMARY KEY, c VARCHAR(9), u TIMESTAMP NULL); INSERT INTO t VALUES ('a\\\\b', 'é😀', '2026-11-22 10:00:00')")
	p.columns("c", "u")
	p.source.Exec(t, "SET GLOBAL sql_mode='ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES', GLOBAL character_set_server=latin1, GLOBAL autocommit=0")
	p.job.Source.DSN = job.NewSecret(strings.Replace(p.source.DSN, "charset=utf8mb4", "charset=utf8", 1) +
		"&collation=utf8_general_ci&parseTime=true&interpolateParams=false&columnsWithAlias=true&sql_select_limit=0&autocommit=0&time_zone=%27-05%3A00%27&sql_mode=%27ANSI%27")
	plan := p.plan(t)
	require.Empty(t, compare(t, plan)[0])
	rows, err := plan.Source.Lookup(t.Context(), []string{"1"}, true)
	require.NoError(t, err)
	require.Equal(t, []string{"1", `a\b`, "é😀", "2026-11-21 21:00:00.000000"}, texts(rows[0].Body))
}

// TestReconnect: connections that a restart broke are replaced.
func TestReconnect(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{Durable: true})
	p := newPair(t, server)
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT); INSERT INTO t VALUES (1, 1)")
	p.destination.Exec(t, narrow)
	d := open(t, p.source.DSN)
	plan, err := mysql.Inspect(t.Context(), p.job, d, []*mysql.Database{open(t, p.destination.DSN)})
	require.NoError(t, err)
	server.Kill(t)
	require.Error(t, d.Ping(t.Context()))
	server.Restart(t)
	rows, err := plan.Source.Lookup(t.Context(), []string{"1"}, false)
	require.NoError(t, err)
	require.Len(t, rows, 1)
}
