// Package admin shows how a process is doing, over HTTP.
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
}

// Server answers /livez, /readyz, /metrics and /status.
type Server struct {
	listener net.Listener
	http     *http.Server
	log      *slog.Logger
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
	listener, err := listen(context.Background(), c, log)
	if err != nil {
		return nil, err
	}
	h := handler{sources: s, log: log}
	return &Server{
		listener: listener,
		log:      log,
		serving:  make(chan struct{}),
		http: &http.Server{
			Handler:           h.routes(registry),
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}, nil
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
