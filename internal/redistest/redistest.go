// Package redistest gives tests a real Redis server.
//
// [Shared] is the one server of a test binary: the one that the environment
// variable CUPID_TEST_REDIS_ADDR names (host:port), else a redis-server that is
// started for it. [Start] always starts one, for tests that kill, pause or
// configure it.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/masixun71/cupid-go/internal/proctest"
)

// EnvAddr names the environment variable with the address of a server to use.
const EnvAddr = "CUPID_TEST_REDIS_ADDR"

// patience bounds every wait for a server; only a broken one needs it.
const patience = 30 * time.Second

// Options says what kind of server [Start] starts.
type Options struct {
	// AOF keeps the data over a Kill; without it a Restart finds nothing.
	AOF bool
	// MaxMemory is where writes begin to be refused, for example "3mb"; "" is no limit.
	MaxMemory string
	// ExtraArgs go to the server last, so they win.
	ExtraArgs []string
	// Env are variables of the server besides those of this process.
	Env []string
	// sentinel is the config file of a sentinel, "" for a server of data.
	sentinel string
}

// Server is a running server.
type Server struct {
	// Addr is the TCP address, for example "127.0.0.1:12345".
	Addr string
	// Client is the tests' own; it does not retry.
	Client *redis.Client

	daemon *proctest.Server // nil when the server was not started here

	mu       sync.Mutex
	prefixes []string // handed out and still in use
}

// shared starts the one server of this test binary; started is it, for Stop.
var (
	shared  = sync.OnceValues(startShared)
	started atomic.Pointer[Server]
)

// Shared is the one server of this test binary, started when first asked for.
// Tests write below a [Server.Prefix] of their own. The package's TestMain ends
// the server with [Stop].
func Shared(t testing.TB) *Server {
	t.Helper()
	needsServer(t)
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	t.Log("redistest: " + server.origin())
	return server
}

// Stop ends the shared server, if any; it belongs into TestMain.
func Stop() {
	server := started.Swap(nil)
	if server == nil {
		return
	}
	if err := server.close(); err != nil {
		fmt.Fprintf(os.Stderr, "redistest: stop the shared server: %v\n", err)
	}
}

// Start starts a server of t's own, which is stopped when t ends. Its keys need no prefix.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	needsServer(t)
	server, err := start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.close(); err != nil {
			t.Errorf("redistest: stop the server: %v", err)
		}
	})
	t.Log("redistest: " + server.origin())
	return server
}

// needsServer leaves t out of a run that asked for it by -short, and only then:
// where no server can be had, a test fails.
func needsServer(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves out what needs a Redis server")
	}
}

func startShared() (server *Server, err error) {
	if addr := os.Getenv(EnvAddr); addr != "" {
		server, err = external(addr)
	} else {
		server, err = start(Options{})
	}
	if err == nil {
		started.Store(server)
	}
	return server, err
}

func external(addr string) (*Server, error) {
	server := &Server{Addr: addr, Client: client(addr)}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := server.Client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(
			fmt.Errorf("%s names %s, but that server cannot be used (unset the variable to have one started): %w", EnvAddr, addr, err),
			server.Client.Close())
	}
	return server, nil
}

func start(options Options) (*Server, error) {
	daemon, err := startDaemon(options)
	if err != nil {
		return nil, err
	}
	return &Server{Addr: daemon.Addr(), Client: client(daemon.Addr()), daemon: daemon}, nil
}

func client(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:       addr,
		MaxRetries: -1, // a test wants to see what happened, once
		// A managed service's announcements; a plain server has none.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
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

// CPU is the processor time that the server's commands have taken so far. It is
// measured instead of the time between: a busy machine takes the processor away
// for longer than a command lasts.
func (s *Server) CPU(t testing.TB) (all time.Duration) {
	t.Helper()
	spent, err := s.Client.InfoMap(t.Context(), "cpu").Result()
	if err != nil {
		t.Fatalf("redistest: ask for the processor time: %v", err)
	}
	for _, mode := range []string{"used_cpu_user_main_thread", "used_cpu_sys_main_thread"} {
		seconds, err := time.ParseDuration(spent["CPU"][mode] + "s")
		if err != nil {
			t.Fatalf("redistest: processor time %s: %v", mode, err)
		}
		all += seconds
	}
	return all
}

func (s *Server) do(t testing.TB, what string, act func(*proctest.Server) error) {
	t.Helper()
	if s.daemon == nil {
		t.Fatalf("cannot %s the server that %s names: use redistest.Start", what, EnvAddr)
	}
	if err := act(s.daemon); err != nil {
		t.Fatalf("%s Redis server: %v", what, err)
	}
}

func (s *Server) origin() string {
	if s.daemon == nil {
		return fmt.Sprintf("using the server at %s that %s names", s.Addr, EnvAddr)
	}
	return "started " + s.daemon.String()
}

func (s *Server) close() error {
	err := s.Client.Close()
	if s.daemon != nil {
		err = errors.Join(err, s.daemon.Remove())
	}
	return err
}
