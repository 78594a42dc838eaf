package admin

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// The queues by name, in the order in which they are shown.
var (
	callbackQueues = []string{"due", "leased", "confirm", "verify", "retry", "slow", "parked"}
	rangeQueues    = []string{"waiting", "leased", "retry", "parked"}
)

//go:embed openapi.yaml
var openAPI []byte

// api answers for the whole fleet.
type api struct {
	fleet    Fleet
	steering Steering
	watch    *watch
	page     map[string]http.Handler
}

// routes are what there is, by "<method> <path>".
func (a *api) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /api/v1/overview":             a.overview,
		"GET /api/v1/history":              a.history,
		"GET /api/v1/jobs":                 a.jobs,
		"GET /api/v1/queues":               a.queues,
		"GET /api/v1/workers":              a.workers,
		"GET /api/v1/endpoints":            a.endpoints,
		"GET /api/v1/callbacks":            a.callbacks,
		"GET /api/v1/callback":             a.callback,
		"GET /api/v1/ranges":               a.ranges,
		"GET /api/v1/events":               a.events,
		"POST /api/v1/callbacks/{act}":     a.act,
		"POST /api/v1/jobs/{job}/pause":    a.pause,
		"POST /api/v1/jobs/{job}/resume":   a.resume,
		"POST /api/v1/jobs/{job}/remove":   a.remove,
		"POST /api/v1/workers/{id}/quiet":  a.quiet,
		"POST /api/v1/workers/{id}/resume": a.loud,
		"POST /api/v1/row":                 a.row,
		"POST /api/v1/rescan":              a.rescan,
	}
}

// serve adds the routes.
func (a *api) serve(mux *http.ServeMux, g *guard) {
	for route, handle := range a.routes() {
		mux.Handle(route, g.protect(bounded(askTimeout, handle)))
	}
	mux.Handle("POST /api/v1/callbacks/audit", g.protect(bounded(auditTimeout, a.audit)))
	mux.Handle("GET /api/v1/stream", g.protect(http.HandlerFunc(a.stream)))
	mux.HandleFunc("GET /api/v1/session", g.state)
	mux.Handle("POST /api/v1/session", g.sameOrigin(http.HandlerFunc(g.login)))
	mux.Handle("DELETE /api/v1/session", g.sameOrigin(http.HandlerFunc(g.logout)))
	mux.HandleFunc("GET /api/v1/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(openAPI)
	})
	for route, show := range a.page {
		mux.Handle(route, show)
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, fmt.Sprintf("there is no %s %s; /api/v1/openapi.yaml says what there is", r.Method, r.URL.Path))
	})
}

// bounded gives a request the time that a source may take.
func bounded(most time.Duration, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), most)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// look answers with a part of the overview.
func (a *api) look(w http.ResponseWriter, r *http.Request, part func(Overview) any) {
	if ask(r).failed(w) {
		return
	}
	o, err := a.watch.look(r.Context())
	if err != nil {
		failWith(w, err)
		return
	}
	answer(w, http.StatusOK, part(o))
}

func (a *api) overview(w http.ResponseWriter, r *http.Request) {
	a.look(w, r, func(o Overview) any { return o })
}

func (a *api) jobs(w http.ResponseWriter, r *http.Request) {
	a.look(w, r, func(o Overview) any { return map[string]any{"jobs": o.Jobs} })
}

func (a *api) workers(w http.ResponseWriter, r *http.Request) {
	a.look(w, r, func(o Overview) any { return map[string]any{"workers": o.Processes} })
}

func (a *api) endpoints(w http.ResponseWriter, r *http.Request) {
	a.look(w, r, func(o Overview) any { return map[string]any{"endpoints": o.Receivers} })
}

// queueLength is how much stands in one queue.
type queueLength struct {
	Job    string `json:"job"`
	Queue  string `json:"queue"` // "ranges", "callbacks:slow", "callbacks:<destination>" for the due
	Length int64  `json:"length"`
	job.Head
}

func (a *api) queues(w http.ResponseWriter, r *http.Request) {
	q := ask(r, "job")
	name := q.name("job")
	if q.failed(w) {
		return
	}
	o, err := a.watch.look(r.Context())
	if err != nil {
		failWith(w, err)
		return
	}
	all := []queueLength{}
	for _, j := range o.Jobs {
		if name == "" || name == j.Name {
			for _, queue := range slices.Sorted(maps.Keys(j.Depths)) {
				all = append(all, queueLength{j.Name, queue, j.Depths[queue], j.Heads[queue]})
			}
		}
	}
	if name != "" && len(all) == 0 {
		failWith(w, fmt.Errorf("%w: no job %q", ErrUnknown, name))
		return
	}
	answer(w, http.StatusOK, map[string]any{"queues": all})
}

const (
	usualPage   = 100
	longestPage = 1000
	farthest    = 1 << 40
)

// place reads which part of a queue is asked for.
func place(r *http.Request, queues []string, more ...string) (Place, *question) {
	q := ask(r, append([]string{"job", "queue", "first", "limit"}, more...)...)
	return Place{
		Job: q.name("job"), Queue: q.word("queue", queues),
		First: q.number("first", 0, 0, farthest), Most: q.number("limit", usualPage, 1, longestPage),
	}, q
}

func (a *api) callbacks(w http.ResponseWriter, r *http.Request) {
	p, q := place(r, callbackQueues, "destination")
	p.Destination = q.name("destination")
	if q.failed(w) {
		return
	}
	found, err := a.fleet.Callbacks(r.Context(), p)
	if err != nil {
		failWith(w, err)
		return
	}
	found.Callbacks = append([]job.Waiting{}, found.Callbacks...) // [] instead of null
	answer(w, http.StatusOK, found)
}

func (a *api) callback(w http.ResponseWriter, r *http.Request) {
	q := ask(r, "job", "id")
	name, id := q.name("job"), q.text("id")
	if q.failed(w) {
		return
	}
	found, err := a.fleet.Callback(r.Context(), name, id)
	if err != nil {
		failWith(w, err)
		return
	}
	answer(w, http.StatusOK, found)
}

func (a *api) ranges(w http.ResponseWriter, r *http.Request) {
	p, q := place(r, rangeQueues)
	if q.failed(w) {
		return
	}
	found, err := a.fleet.Ranges(r.Context(), p)
	if err != nil {
		failWith(w, err)
		return
	}
	found.Ranges = append([]job.WaitingRange{}, found.Ranges...)
	answer(w, http.StatusOK, found)
}

func (a *api) events(w http.ResponseWriter, r *http.Request) {
	q := ask(r, "job", "limit")
	name, limit := q.name("job"), q.number("limit", usualPage, 1, longestPage)
	if q.failed(w) {
		return
	}
	found, err := a.fleet.Events(r.Context(), name, limit)
	if err != nil {
		failWith(w, err)
		return
	}
	answer(w, http.StatusOK, eventList{append([]job.Event{}, found...)})
}

type eventList struct {
	Events []job.Event `json:"events"`
}
