package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// acts are what may stand behind /api/v1/callbacks/.
var acts = []job.Act{job.ActRetry, job.ActPark, job.ActUnpark, job.ActDrop}

// mostIDs bounds what one order names.
const mostIDs = 1000

func (a *api) act(w http.ResponseWriter, r *http.Request) {
	o := Order{Act: job.Act(r.PathValue("act")), Who: who(r)}
	if !slices.Contains(acts, o.Act) {
		fail(w, http.StatusNotFound, fmt.Sprintf("nobody can %q callbacks; want retry, park, unpark or drop", o.Act))
		return
	}
	if !read(w, r, &o) {
		return
	}
	if mistake := o.mistake(); mistake != "" {
		fail(w, http.StatusBadRequest, mistake)
		return
	}
	did, err := a.steering.Act(r.Context(), o)
	if err != nil {
		failWith(w, err)
		return
	}
	a.watch.changed()
	answer(w, http.StatusOK, did)
}

func (o Order) mistake() string {
	switch {
	case len(o.IDs) == 0 && o.Queue == "":
		return "say which callbacks: ids, or a queue for all in it"
	case len(o.IDs) > 0 && (o.Queue != "" || o.Destination != "" || o.Before != 0):
		return "say either ids or a queue"
	case len(o.IDs) > mostIDs:
		return fmt.Sprintf("found %d ids, want at most %d", len(o.IDs), mostIDs)
	case o.Queue != "" && !slices.Contains(callbackQueues, o.Queue):
		return "queue wants one of " + strings.Join(callbackQueues, ", ")
	case o.Before < 0:
		return "before wants what left of an earlier answer was"
	case o.Job != "" && !job.ValidName(o.Job), o.Destination != "" && !job.ValidName(o.Destination):
		return "job and destination want names of letters, digits, '_', '.', '@', '-', at most 64"
	case o.Act.NeedsReason() && strings.TrimSpace(o.Reason) == "":
		return string(o.Act) + " wants a reason: whoever looks at the events later will ask"
	}
	return ""
}

func (a *api) rescan(w http.ResponseWriter, r *http.Request) {
	order := Rescan{Who: who(r)}
	if !read(w, r, &order) {
		return
	}
	if err := a.steering.Rescan(r.Context(), order); err != nil {
		failWith(w, err)
		return
	}
	answer(w, http.StatusAccepted, order)
}

func (a *api) pause(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		Destination string `json:"destination"`
		Reason      string `json:"reason"`
		For         string `json:"for"`
	}
	if !read(w, r, &sent) {
		return
	}
	p := Pause{Who: who(r), Job: r.PathValue("job"), Destination: sent.Destination, Reason: sent.Reason}
	if strings.TrimSpace(sent.Reason) == "" {
		fail(w, http.StatusBadRequest, "pause wants a reason: whoever finds the job paused will ask")
		return
	}
	if sent.For != "" {
		d, err := time.ParseDuration(sent.For)
		if err != nil || d < time.Second {
			fail(w, http.StatusBadRequest, "for wants a time of at least 1s, such as 30m or 2h")
			return
		}
		p.For = d
	}
	until, err := a.steering.Pause(r.Context(), p)
	if err != nil {
		failWith(w, err)
		return
	}
	a.watch.changed()
	answer(w, http.StatusOK, struct {
		Job   string    `json:"job"`
		Until time.Time `json:"until,omitzero"`
	}{p.Job, until})
}

func (a *api) resume(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		Destination string `json:"destination"`
	}
	if !read(w, r, &sent) {
		return
	}
	held, err := a.steering.Resume(r.Context(), Pause{Who: who(r), Job: r.PathValue("job"), Destination: sent.Destination})
	if err != nil {
		failWith(w, err)
		return
	}
	a.watch.changed()
	answer(w, http.StatusOK, struct {
		Job    string `json:"job"`
		Paused bool   `json:"was_paused"`
	}{r.PathValue("job"), held})
}

func (a *api) quiet(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		Reason string `json:"reason"`
	}
	if !read(w, r, &sent) {
		return
	}
	if strings.TrimSpace(sent.Reason) == "" {
		fail(w, http.StatusBadRequest, "quiet wants a reason: whoever finds the process idle will ask")
		return
	}
	if err := a.steering.Quiet(r.Context(), r.PathValue("id"), who(r), sent.Reason); err != nil {
		failWith(w, err)
		return
	}
	a.watch.changed()
	answer(w, http.StatusOK, struct {
		Process string `json:"process"`
	}{r.PathValue("id")})
}

func (a *api) loud(w http.ResponseWriter, r *http.Request) {
	if !read(w, r, &struct{}{}) {
		return
	}
	held, err := a.steering.Loud(r.Context(), r.PathValue("id"), who(r))
	if err != nil {
		failWith(w, err)
		return
	}
	a.watch.changed()
	answer(w, http.StatusOK, struct {
		Process string `json:"process"`
		Quiet   bool   `json:"was_quiet"`
	}{r.PathValue("id"), held})
}

// row is no GET: a key may not stand in anybody's list of addresses, and a look leaves an event.
func (a *api) row(w http.ResponseWriter, r *http.Request) {
	look := Look{Who: who(r)}
	if !read(w, r, &look) {
		return
	}
	if look.Job == "" || look.Key == "" {
		fail(w, http.StatusBadRequest, "say the job, and the key of the row")
		return
	}
	found, err := a.steering.Row(r.Context(), look)
	if err != nil {
		failWith(w, err)
		return
	}
	answer(w, http.StatusOK, struct {
		Rows any `json:"rows"`
	}{found})
}
