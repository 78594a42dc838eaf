package mysqltest

import (
	"database/sql"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
)

// servers numbers those that replicate or are replicated.
var servers atomic.Int64

// StartPrimary starts a server as Start does, which others can replicate.
func StartPrimary(t testing.TB, options Options) *Server {
	t.Helper()
	return Start(t, replicating(options))
}

// Replica starts a server that replicates this primary, from its beginning on. It
// has the primary's accounts. Both have to be MariaDB.
func (s *Server) Replica(t testing.TB, options Options) *Server {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	replica := Start(t, replicating(options))
	replica.Exec(t, fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%s, MASTER_USER='%s', MASTER_PASSWORD='%s', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1",
		port, User, Password))
	replica.Exec(t, "START SLAVE")
	return replica
}

func replicating(options Options) Options {
	id := strconv.FormatInt(servers.Add(1), 10)
	options.ExtraArgs = append([]string{"--log-bin=binary", "--server-id=" + id, "--log-slave-updates", "--slave-net-timeout=5"}, options.ExtraArgs...)
	return options
}

// CatchUp waits until a replica has all that its primary has now.
func (s *Server) CatchUp(t testing.TB, primary *Server) {
	t.Helper()
	var position string
	if err := primary.admin.QueryRowContext(t.Context(), "SELECT @@global.gtid_binlog_pos").Scan(&position); err != nil {
		t.Fatalf("read the position of the primary: %v", err)
	}
	var outcome int
	if err := s.admin.QueryRowContext(t.Context(), "SELECT MASTER_GTID_WAIT(?, ?)", position, patience.Seconds()).Scan(&outcome); err != nil {
		t.Fatalf("wait for the replica: %v", err)
	}
	if outcome != 0 {
		t.Fatalf("the replica at %s did not get to %s", s.Addr, position)
	}
}

// Exec runs statements as an account with all rights, outside of any database.
func (s *Server) Exec(t testing.TB, statements string) {
	t.Helper()
	if _, err := s.admin.ExecContext(t.Context(), statements); err != nil {
		t.Fatalf("server %s: %v\n%s", s.Addr, err, statements)
	}
}

// Open is a handle to a database that came by replication.
func (s *Server) Open(t testing.TB, database string) *sql.DB {
	t.Helper()
	db, err := s.open(database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // fails when the test killed the server
	return db
}
