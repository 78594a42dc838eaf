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

// auditTimeout is longer than that of others: an audit goes through all callbacks of a job.
const auditTimeout = 25 * time.Second

func (a *api) audit(w http.ResponseWriter, r *http.Request) {
	order := Audit{Who: who(r)}
	if !read(w, r, &order) {
		return
	}
	strays, err := a.steering.Audit(r.Context(), order)
	if err != nil {
		failWith(w, err)
		return
	}
	a.watch.changed()
	answer(w, http.StatusOK, audited{append([]string{}, strays...), order.Fix})
}

type audited struct {
	Strays    []string `json:"strays"`
	ReadAgain bool     `json:"read_again"`
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
	scan, err := a.steering.Rescan(r.Context(), order)
	if err != nil {
		failWith(w, err)
		return
	}
	answer(w, http.StatusAccepted, begun{order, scan})
}

// begun is a rescan that goes on after the answer.
type begun struct {
	Rescan
	Scan job.Scan `json:"scan"`
}

func (a *api) remove(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		Reason string `json:"reason"`
	}
	if !read(w, r, &sent) {
		return
	}
	if strings.TrimSpace(sent.Reason) == "" {
		fail(w, http.StatusBadRequest, "remove wants a reason: cursors and open callbacks of the job are lost for good")
		return
	}
	name := r.PathValue("job")
	keys, err := a.steering.Remove(r.Context(), Removal{Who: who(r), Job: name, Reason: sent.Reason})
	if err != nil {
		failWith(w, err)
		return
	}
	a.watch.changed()
	answer(w, http.StatusOK, removed{name, keys})
}

type removed struct {
	Job  string `json:"job"`
	Keys int    `json:"keys"`
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
	answer(w, http.StatusOK, paused{p.Job, until})
}

type paused struct {
	Job   string    `json:"job"`
	Until time.Time `json:"until,omitzero"`
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
	answer(w, http.StatusOK, resumed{r.PathValue("job"), held})
}

type resumed struct {
	Job    string `json:"job"`
	Paused bool   `json:"was_paused"`
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
	answer(w, http.StatusOK, unheld{r.PathValue("id"), held})
}

type unheld struct {
	Process string `json:"process"`
	Quiet   bool   `json:"was_quiet"`
}

// row is no GET: a key may not stand in anybody's list of addresses, and a look leaves an event.
func (a *api) row(w http.ResponseWriter, r *http.Request) {
	look := Look{Who: who(r)}
	if !read(w, r, &look) {
		return
	}
	if look.Job == "" || (look.Key == "") == (len(look.By) == 0) {
		fail(w, http.StatusBadRequest, "say the job, and either the key of the row or a value for each byColumn")
		return
	}
	found, err := a.steering.Row(r.Context(), look)
	if err != nil {
		failWith(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"rows": found})
}
