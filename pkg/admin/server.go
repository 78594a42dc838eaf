// Package admin shows people how a process and its fleet are doing, and takes their orders, over HTTP.
package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Config says where to listen.
type Config struct {
	// Addr is "host:port", ":port" or "host"; what is missing is 127.0.0.1 and
	// DefaultPort. Port 0 is any free one.
	Addr string
	// Role names the process in the log.
	Role string
	// DefaultPort is the role's own port.
	DefaultPort int
	// Token is what everything but health and metrics asks for. Without one it is
	// served on addresses of the own machine alone, or, if Open is set, to everybody.
	Token job.Secret
	Open  bool
}

// Sources are asked on each request.
type Sources struct {
	// Alive returns what hangs, so that only a restart helps; nothing means alive. nil is always alive.
	Alive func() []Problem
	// Ready returns what is not ready; nothing means ready. nil is always ready.
	Ready func(context.Context) []Problem
	// Status returns what /status shows as JSON. nil shows an empty object.
	Status func(context.Context) (any, error)
	// Registry is what /metrics shows, besides the Go runtime and the process;
	// nil is a new one.
	Registry *prometheus.Registry
	// Fleet and Steering are behind the API and the page; nil where there is neither.
	Fleet    Fleet
	Steering Steering
}

// Server answers /livez, /readyz, /metrics and /status, and where it has a fleet the
// API and the page.
type Server struct {
	listener net.Listener
	http     *http.Server
	log      *slog.Logger
	watch    *watch // nil where there is no fleet
	started  sync.Once
	serving  chan struct{} // closed when Serve has returned
}

// New listens, so that Addr is known; Start answers. A taken port is a warning
// and the next free one is used.
func New(c Config, s Sources, log *slog.Logger) (*Server, error) {
	registry := cmp.Or(s.Registry, prometheus.NewRegistry())
	if err := addRuntime(registry); err != nil {
		return nil, err
	}
	page, err := newPage()
	if err != nil {
		return nil, err
	}
	listener, err := listen(context.Background(), c, log)
	if err != nil {
		return nil, err
	}
	var a *api
	server := &Server{
		listener: listener,
		log:      log,
		serving:  make(chan struct{}),
		http: &http.Server{
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
	if s.Fleet != nil {
		server.watch = newWatch(s.Fleet)
		server.http.RegisterOnShutdown(server.watch.stop)
		a = &api{fleet: s.Fleet, steering: s.Steering, watch: server.watch, page: page}
	}
	g := newGuard(c, listener.Addr(), log)
	if g.access == nobody && a != nil {
		log.Warn("other machines reach the admin address and no token is configured: API and dashboard are locked, set http.token", "addr", listener.Addr().String())
	}
	server.http.Handler = handler{sources: s, log: log}.routes(registry, g, a)
	return server, nil
}

// addRuntime adds the collectors that every process has.
func addRuntime(registry *prometheus.Registry) error {
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &already) {
			return fmt.Errorf("register runtime metrics: %w", err)
		}
	}
	return nil
}

// Addr is the address that is listened on, "host:port".
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Start answers requests until Stop.
func (s *Server) Start() {
	s.started.Do(func() {
		go func() {
			defer close(s.serving)
			var watching sync.WaitGroup
			if s.watch != nil {
				watching.Go(func() { s.watch.run(context.Background()) })
				defer watching.Wait()
				defer s.watch.stop()
			}
			if err := s.http.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
				s.log.Error("admin server ended", "error", err)
			}
		}()
	})
}

// Stop ends the server: running requests may finish until ctx ends. It may be
// called more than once, and without Start.
func (s *Server) Stop(ctx context.Context) error {
	s.started.Do(func() { close(s.serving) })
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop admin server: %w", err), s.http.Close())
	}
	if closeErr := s.listener.Close(); closeErr != nil && !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, closeErr)
	}
	<-s.serving
	return err
}
