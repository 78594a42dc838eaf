// Package mysqltest gives tests a real MySQL-compatible server.
//
// [Shared] is the one server of a test binary: the one that the environment
// variable CUPID_TEST_MYSQL_DSN names (a user with all privileges), else a
// MariaDB or MySQL that is started for it. [Start] always starts one, for tests
// that kill, pause or configure it.
package mysqltest

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/masixun71/cupid-go/internal/proctest"
)

// EnvDSN names the environment variable with the DSN of a server to use.
const EnvDSN = "CUPID_TEST_MYSQL_DSN"

// The account of every started server. The password is a word that a test can
// search logs and error texts for.
const (
	User     = "cupid"
	Password = "MustNeverBeShown1"
)

// patience bounds every wait for a server; only a broken one needs it.
const patience = 30 * time.Second

// Options says what kind of server [Start] starts.
type Options struct {
	// TimeZone is the server's time_zone; "" is "+00:00". Names of zones are
	// unknown to it, as on many real servers: their tables are not loaded.
	TimeZone string
	// SystemZone is the IANA name of the zone of its host, which is the server's with a
	// TimeZone of SYSTEM; "" is this host's.
	SystemZone string
	// Durable keeps committed rows over a Kill; without it the server is faster.
	Durable bool
	// ExtraArgs go to the server last, so they win.
	ExtraArgs []string
}

// Server is a running server.
type Server struct {
	// Addr is the TCP address, for example "127.0.0.1:12345".
	Addr string
	// Socket is the path of the unix socket; "" when the server was not started here.
	Socket string

	config *mysql.Config // without a database
	admin  *sql.DB
	run    string // names this run's databases, see Database
	marker *sql.Conn
	serial atomic.Int64
	daemon *proctest.Server // nil when the server was not started here
}

// shared starts the one server of this test binary; started is it, for Stop.
var (
	shared  = sync.OnceValues(startShared)
	started atomic.Pointer[Server]
)

// Shared is the one server of this test binary, started when first asked for.
// The package's TestMain ends it with [Stop].
func Shared(t testing.TB) *Server {
	t.Helper()
	needsServer(t)
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Log("mysqltest: " + server.origin())
	return server
}

// Stop ends the shared server, if any; it belongs into TestMain.
func Stop() {
	server := started.Swap(nil)
	if server == nil {
		return
	}
	if err := server.close(); err != nil {
		fmt.Fprintf(os.Stderr, "mysqltest: stop the shared server: %v\n", err)
	}
}

// Start starts a server of t's own, which is stopped when t ends.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	needsServer(t)
	server, err := start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.close(); err != nil {
			t.Errorf("mysqltest: stop the server: %v", err)
		}
	})
	t.Log("mysqltest: " + server.origin())
	return server
}

// needsServer leaves t out of a run that asked for it by -short, and only then:
// where no server can be had, a test fails.
func needsServer(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out what needs a MySQL server")
	}
}

func startShared() (server *Server, err error) {
	if dsn := os.Getenv(EnvDSN); dsn != "" {
		server, err = external(dsn)
	} else {
		server, err = start(Options{})
	}
	if err == nil {
		started.Store(server)
	}
	return server, err
}

func external(dsn string) (*Server, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: want user:password@tcp(host:port)/: %w", EnvDSN, err)
	}
	config.DBName = ""
	server := &Server{Addr: config.Addr, config: config}
	if err := server.connect(); err != nil {
		return nil, errors.Join(
			fmt.Errorf("%s names %s, but that server cannot be used (unset the variable to have one started): %w", EnvDSN, config.Addr, err),
			server.close())
	}
	return server, nil
}

func start(options Options) (*Server, error) {
	daemon, socket, err := startDaemon(options)
	if err != nil {
		return nil, err
	}
	config := mysql.NewConfig()
	config.User, config.Passwd = User, Password
	config.Net, config.Addr = "tcp", daemon.Addr()
	if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, errors.Join(err, daemon.Remove())
	}
	server := &Server{Addr: config.Addr, Socket: socket, config: config, daemon: daemon}
	if err := server.connect(); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to the server just started: %w", err), server.close())
	}
	return server, nil
}

// DSN is the data source name of a database on this server, for the code under test.
func (s *Server) DSN(database string) string {
	config := s.config.Clone()
	config.DBName = database
	return config.FormatDSN()
}

// Kill ends the server with SIGKILL.
func (s *Server) Kill(t testing.TB) { t.Helper(); s.do(t, "kill", (*proctest.Server).Kill) }

// Restart starts the server again, after Kill or Stop, at the same address.
func (s *Server) Restart(t testing.TB) { t.Helper(); s.do(t, "restart", (*proctest.Server).Boot) }

// Pause makes the server hang: it keeps its connections and answers nothing.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.do(t, "pause", (*proctest.Server).Pause) }

// Resume ends a Pause.
func (s *Server) Resume(t testing.TB) { t.Helper(); s.do(t, "resume", (*proctest.Server).Resume) }

// Stop shuts the server down in good order.
func (s *Server) Stop(t testing.TB) { t.Helper(); s.do(t, "stop", (*proctest.Server).Stop) }

func (s *Server) do(t testing.TB, what string, act func(*proctest.Server) error) {
	t.Helper()
	if s.daemon == nil {
		t.Fatalf("cannot %s the server that %s names: use mysqltest.Start", what, EnvDSN)
	}
	if err := act(s.daemon); err != nil {
		t.Fatalf("%s MySQL server: %v", what, err)
	}
}

func (s *Server) origin() string {
	if s.daemon == nil {
		return fmt.Sprintf("using the server at %s that %s names", s.Addr, EnvDSN)
	}
	return fmt.Sprintf("started %s, socket %s", s.daemon, s.Socket)
}

// close ends what Server holds. Connections to a server that a test killed
// close with an error that says nothing new.
func (s *Server) close() error {
	if s.marker != nil {
		_ = s.marker.Close()
	}
	if s.admin != nil {
		_ = s.admin.Close()
	}
	if s.daemon == nil {
		return nil
	}
	return s.daemon.Remove()
}

// open returns a handle for the tests' own statements, of which one Exec may hold several.
func (s *Server) open(database string) (*sql.DB, error) {
	config := s.config.Clone()
	config.DBName = database
	config.MultiStatements = true
	config.Timeout = cmp.Or(config.Timeout, patience)
	config.Logger = &mysql.NopLogger{} // broken connections are what some tests are about
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", config.Addr, err)
	}
	return sql.OpenDB(connector), nil
}

func bounded() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}
