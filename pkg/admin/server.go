// Package admin shows how a process is doing, over HTTP.
package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	defaultHost = "127.0.0.1"
	// morePorts are tried above a taken one.
	morePorts = 100
	// askTimeout bounds how long a source may take to answer.
	askTimeout = 5 * time.Second
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

// Problem is one thing that keeps a process from being ready.
type Problem struct {
	What string `json:"what"` // "redis", "job db.user"
	Why  string `json:"why"`  // for people; no secrets
}

// Sources are asked on each request.
type Sources struct {
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
	listener, err := listen(c, log)
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

// listen takes the configured port or the first free one above it.
func listen(c Config, log *slog.Logger) (net.Listener, error) {
	host, port, err := splitAddr(c.Addr, c.DefaultPort)
	if err != nil {
		return nil, err
	}
	last := min(port+morePorts, 65535)
	if port == 0 {
		last = 0
	}
	for p := port; ; p++ {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		switch {
		case err == nil:
			if p != port {
				log.Warn("admin port is taken, using the next free one", "role", c.Role, "port", port, "addr", l.Addr().String())
			}
			return l, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("admin address %q: %w", c.Addr, err)
		case p == last:
			return nil, fmt.Errorf("admin address %q: the ports %d to %d are all taken: %w", c.Addr, port, last, err)
		}
	}
}

// splitAddr fills in what the address leaves out.
func splitAddr(addr string, defaultPort int) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil { // no port
		host, text = addr, ""
		if bare, _, err := net.SplitHostPort(addr + ":0"); err == nil {
			host = bare
		}
	}
	port = defaultPort
	if text != "" {
		port, err = strconv.Atoi(text)
		if err != nil || port < 0 || port > 65535 {
			return "", 0, fmt.Errorf("admin address %q: want host:port with a port from 0 to 65535", addr)
		}
	}
	return cmp.Or(host, defaultHost), port, nil
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

// handler answers the requests.
type handler struct {
	sources Sources
	log     *slog.Logger
}

func (h handler) routes(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /status", h.status)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	return mux
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready    bool      `json:"ready"`
	Problems []Problem `json:"problems,omitempty"`
}

func (h handler) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	answer := Readiness{Ready: true}
	if h.sources.Ready != nil {
		answer.Problems = h.sources.Ready(ctx)
		answer.Ready = len(answer.Problems) == 0
	}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	h.write(w, status, answer)
}

func (h handler) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	if h.sources.Status == nil {
		h.write(w, http.StatusOK, struct{}{})
		return
	}
	answer, err := h.sources.Status(ctx)
	if err != nil {
		h.log.Warn("status not available", "error", err)
		h.write(w, http.StatusServiceUnavailable, failure{err.Error()})
		return
	}
	h.write(w, http.StatusOK, answer)
}

// failure is the body of an answer that is an error.
type failure struct {
	Error string `json:"error"`
}

func (h handler) write(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		h.log.Error("answer cannot be written as JSON", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}
