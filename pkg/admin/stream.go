package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// patience is how long a watcher may take to read what it is told.
	patience = 10 * time.Second
	// silence is after how long a watcher is told that nothing happened, so that
	// nothing on the way takes the connection for dead.
	silence = 20 * time.Second
)

func (a *api) history(w http.ResponseWriter, r *http.Request) {
	q := ask(r, "job")
	name := q.name("job")
	if q.failed(w) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"points": a.watch.chart(name)})
}

// stream tells of each look, as server-sent events.
func (a *api) stream(w http.ResponseWriter, r *http.Request) {
	if ask(r).failed(w) {
		return
	}
	told, leave := a.watch.subscribe()
	if told == nil {
		fail(w, http.StatusServiceUnavailable, "too many pages are open already: close one")
		return
	}
	defer leave()
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		fail(w, http.StatusInternalServerError, "this connection cannot be kept open")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects would show the past
	w.WriteHeader(http.StatusOK)
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for text := a.news(); ; {
		if control.SetWriteDeadline(time.Now().Add(patience)) != nil {
			return
		}
		if _, err := fmt.Fprint(w, text); err != nil || control.Flush() != nil {
			return
		}
		quiet.Reset(silence)
		select {
		case <-told:
			text = a.news()
		case <-quiet.C:
			text = ": nothing new\n\n"
		case <-r.Context().Done():
			return
		case <-a.watch.stopped:
			return
		}
	}
}

// news is the last look as an event.
func (a *api) news() string {
	o, err := a.watch.state()
	switch {
	case err != nil:
		o.Troubles = []Trouble{redisDown(err)}
	case o.At.IsZero():
		return ": nobody has looked yet\n\n"
	}
	body, err := json.Marshal(o)
	if err != nil {
		return ": it cannot be written\n\n"
	}
	return "event: overview\ndata: " + string(body) + "\n\n"
}
