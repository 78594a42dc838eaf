package admin

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
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

func (h handler) routes(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /status", h.status)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	return mux
}

// live answers "ok" as long as everything turns. An answer that does not arrive,
// here and below, is the asker's to notice.
func (h handler) live(w http.ResponseWriter, _ *http.Request) {
	answer := alive
	if h.sources.Alive != nil {
		if hanging := h.sources.Alive(); len(hanging) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			answer = ""
			for _, p := range hanging {
				answer += p.What + ": " + p.Why + "\n"
			}
		}
	}
	_, _ = io.WriteString(w, answer)
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
	_, _ = w.Write(append(body, '\n'))
}
