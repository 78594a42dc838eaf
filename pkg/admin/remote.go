package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// What the API shows and does is what its client shows and does.
var (
	_ Lists    = Client{}
	_ Steering = Client{}
)

// Callbacks asks for a page of a queue.
func (c Client) Callbacks(ctx context.Context, p Place) (found Callbacks, err error) {
	err = c.look(ctx, "callbacks", p.query(), &found)
	return found, err
}

// Callback asks for one open callback.
func (c Client) Callback(ctx context.Context, name, id string) (found job.Shown, err error) {
	err = c.look(ctx, "callback", url.Values{"job": {name}, "id": {id}}, &found)
	return found, err
}

// Ranges asks for a page of a queue.
func (c Client) Ranges(ctx context.Context, p Place) (found Ranges, err error) {
	err = c.look(ctx, "ranges", p.query(), &found)
	return found, err
}

// Events asks for the newest n.
func (c Client) Events(ctx context.Context, name string, n int) ([]job.Event, error) {
	var found eventList
	err := c.look(ctx, "events", url.Values{"job": {name}, "limit": {strconv.Itoa(n)}}, &found)
	return found.Events, err
}

func (p Place) query() url.Values {
	q := url.Values{"job": {p.Job}, "queue": {p.Queue}, "first": {strconv.Itoa(p.First)}, "limit": {strconv.Itoa(p.Most)}}
	if p.Destination != "" {
		q.Set("destination", p.Destination)
	}
	return q
}

// Act sends an order.
func (c Client) Act(ctx context.Context, o Order) (did Outcome, err error) {
	err = c.order(ctx, "callbacks/"+url.PathEscape(string(o.Act)), o.Who, o, &did)
	return did, err
}

// Audit sends an order.
func (c Client) Audit(ctx context.Context, a Audit) ([]string, error) {
	var said audited
	err := c.order(ctx, "callbacks/audit", a.Who, a, &said)
	return said.Strays, err
}

// Pause sends an order.
func (c Client) Pause(ctx context.Context, p Pause) (until time.Time, err error) {
	body := map[string]string{"destination": p.Destination, "reason": p.Reason}
	if p.For > 0 {
		body["for"] = p.For.String()
	}
	var said paused
	err = c.order(ctx, "jobs/"+url.PathEscape(p.Job)+"/pause", p.Who, body, &said)
	return said.Until, err
}

// Resume sends an order.
func (c Client) Resume(ctx context.Context, p Pause) (held bool, err error) {
	var said resumed
	err = c.order(ctx, "jobs/"+url.PathEscape(p.Job)+"/resume", p.Who, map[string]string{"destination": p.Destination}, &said)
	return said.Paused, err
}

// Quiet sends an order.
func (c Client) Quiet(ctx context.Context, process, who, why string) error {
	return c.order(ctx, "workers/"+url.PathEscape(process)+"/quiet", who, map[string]string{"reason": why}, &struct{}{})
}

// Loud sends an order.
func (c Client) Loud(ctx context.Context, process, who string) (held bool, err error) {
	var said unheld
	err = c.order(ctx, "workers/"+url.PathEscape(process)+"/resume", who, struct{}{}, &said)
	return said.Quiet, err
}

// Remove sends an order.
func (c Client) Remove(ctx context.Context, r Removal) (keys int, err error) {
	var said removed
	err = c.order(ctx, "jobs/"+url.PathEscape(r.Job)+"/remove", r.Who, map[string]string{"reason": r.Reason}, &said)
	return said.Keys, err
}

// Row asks for a row; what it gives is JSON, a json.RawMessage.
func (c Client) Row(ctx context.Context, l Look) (any, error) {
	var found struct {
		Rows json.RawMessage `json:"rows"`
	}
	err := c.order(ctx, "row", l.Who, l, &found)
	return found.Rows, err
}

// Rescan sends an order.
func (c Client) Rescan(ctx context.Context, r Rescan) (job.Scan, error) {
	var said begun
	err := c.order(ctx, "rescan", r.Who, r, &said)
	return said.Scan, err
}

// look asks for a part of what the API shows; parameters that are empty are left out.
func (c Client) look(ctx context.Context, what string, q url.Values, into any) error {
	if q.Get("job") == "" {
		q.Del("job")
	}
	return c.ask(ctx, http.MethodGet, "/api/v1/"+what+"?"+q.Encode(), "", nil, into)
}

func (c Client) order(ctx context.Context, what, who string, body, into any) error {
	return c.ask(ctx, http.MethodPost, "/api/v1/"+what, who, body, into)
}
