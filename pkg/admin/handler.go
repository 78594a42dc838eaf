package admin

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// askTimeout bounds how long a source may take to answer.
const askTimeout = 5 * time.Second

// Problem is one thing that keeps a process from being ready.
type Problem struct {
	What string `json:"what"` // "redis", "job db.user"
	Why  string `json:"why"`  // for people; no secrets
}

// handler answers the requests.
type handler struct {
	sources Sources
	log     *slog.Logger
}

func (h handler) routes(registry *prometheus.Registry, g *guard, a *api) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /status", g.protect(http.HandlerFunc(h.status)))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	profiles(mux, g)
	if a != nil {
		a.serve(mux, g)
	}
	return withHeaders(mux)
}

// profiles has what shows the inside of the process.
func profiles(mux *http.ServeMux, g *guard) {
	for path, show := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/profile": pprof.Profile, "/debug/pprof/symbol": pprof.Symbol,
		"/debug/pprof/trace": pprof.Trace, // the command line is left out
	} {
		mux.Handle("GET "+path, g.protect(show))
	}
}

// withHeaders keeps browsers from doing more with an answer than to show it.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// live answers "ok" as long as everything turns. An answer that does not arrive,
// here and below, is the asker's to notice.
func (h handler) live(w http.ResponseWriter, _ *http.Request) {
	text := alive
	if h.sources.Alive != nil {
		if hanging := h.sources.Alive(); len(hanging) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			text = ""
			for _, p := range hanging {
				text += p.What + ": " + p.Why + "\n"
			}
		}
	}
	_, _ = io.WriteString(w, text)
}

const alive = "ok\n"

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready    bool      `json:"ready"`
	Problems []Problem `json:"problems,omitempty"`
}

func (h handler) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	found := Readiness{Ready: true}
	if h.sources.Ready != nil {
		found.Problems = h.sources.Ready(ctx)
		found.Ready = len(found.Problems) == 0
	}
	status := http.StatusOK
	if !found.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, found)
}

func (h handler) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), askTimeout)
	defer cancel()
	if h.sources.Status == nil {
		answer(w, http.StatusOK, struct{}{})
		return
	}
	found, err := h.sources.Status(ctx)
	if err != nil {
		h.log.Warn("status not available", "error", err)
		fail(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer(w, http.StatusOK, found)
}
