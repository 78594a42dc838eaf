package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

var (
	_ admin.Fleet    = fleet{}
	_ admin.Steering = fleet{}
)

// fleet is what the API of this process shows and steers: everything in its Redis, and
// what its own config says of it.
type fleet struct {
	ledger
	a *App
}

// Overview reads how the fleet fares.
func (f fleet) Overview(ctx context.Context, maxAge time.Duration) (o admin.Overview, err error) {
	b := f.a.broker
	states, at, err := f.a.states(ctx, maxAge)
	if err != nil {
		return o, err
	}
	processes, err := b.Processes(ctx)
	if err != nil {
		return o, err
	}
	states = slices.Clone(states) // others read them too
	job.MarkRetired(states, processes)
	o = admin.Overview{
		At: at.UTC(), Version: Version, Process: f.a.id, Memory: b.Memory(ctx), Jobs: make([]admin.Job, len(states)), Rows: f.a.c.HTTP.Rows,
		NotReady: append([]admin.Problem{}, f.a.notReady(ctx)...),
	}
	for i, s := range states {
		o.Jobs[i] = f.job(s)
	}
	receivers, err := b.Receivers(ctx)
	o.Processes, o.Receivers = append([]job.Process{}, processes...), append([]job.Receiver{}, receivers...)
	return o, err
}

// job adds what the config of this process says of a job.
func (f fleet) job(s job.State) admin.Job {
	j := admin.Job{State: s, Destinations: []admin.Destination{}}
	for _, r := range f.a.runs() {
		if r.job.Name != s.Name {
			continue
		}
		j.MaxCallbacks = r.job.MaxCallbacks
		for _, d := range r.job.Destinations {
			j.Destinations = append(j.Destinations, f.destination(d))
		}
		return j
	}
	for _, name := range destinationsOf(s) {
		j.Destinations = append(j.Destinations, admin.Destination{Name: name})
	}
	return j
}

// destinationsOf are those of a job of any config, known by their queues, in order.
func destinationsOf(s job.State) (names []string) {
	for queue := range s.Depths {
		if d, is := broker.DestinationOf(queue); is {
			names = append(names, d)
		}
	}
	slices.Sort(names)
	return names
}

func (f fleet) destination(d job.Destination) admin.Destination {
	known := admin.Destination{Name: d.Name}
	if !d.Callback.Off {
		known.Receiver = callback.HostOf(d.Callback.URL)
	}
	return known
}

// Act does an order, or a part of it.
func (f fleet) Act(ctx context.Context, o admin.Order) (admin.Outcome, error) {
	did, err := f.ledger.Act(ctx, o)
	if err == nil {
		f.a.log.Info("callbacks were acted on", "act", string(o.Act), "who", o.Who, "job", o.Job, "queue", o.Queue, "done", did.Did[string(job.ActDone)])
	}
	return did, err
}

// looked is the kind of the event that a look at a row leaves.
const looked job.EventKind = "row"

// Row reads a row of a job of this process, if its config allows that rows are shown.
// The note of who looks stands before anything is read.
func (f fleet) Row(ctx context.Context, l admin.Look) (any, error) {
	if !f.a.c.HTTP.Rows {
		return nil, admin.Asked(admin.ErrForbidden, errors.New("this process shows no rows: http.rows is false in its config; cupid row shows them on a terminal"))
	}
	for _, r := range f.a.runs() {
		if r.job.Name != l.Job {
			continue
		}
		o, what := RowOptions{Job: l.Job, Destination: l.Destination, Key: []string{l.Key}}, "key "+l.Key
		if len(l.By) > 0 { // which may be somebody's phone number
			o.Key, o.ByColumns, what = l.By, true, "a row by its byColumn"
		}
		if err := f.a.broker.NoteEvent(ctx, job.Event{Job: l.Job, Kind: looked, Who: l.Who, What: what}); err != nil {
			return nil, err
		}
		reports, err := LookAtRow(ctx, &config.Config{Jobs: []job.Job{r.job}}, o)
		if errors.Is(err, ErrConfig) {
			err = admin.Asked(admin.ErrUnknown, err)
		}
		return reports, err
	}
	return nil, admin.Asked(admin.ErrElsewhere, fmt.Errorf("the config of this process has no job %q: ask a scheduler that runs it", l.Job))
}

// Rescan begins to have rows of a job of this process looked at again.
func (f fleet) Rescan(ctx context.Context, o admin.Rescan) (job.Scan, error) {
	runs := f.a.runs()
	if o.Job == "" && len(runs) != 1 {
		return "", admin.Asked(admin.ErrUnknown, fmt.Errorf("this process runs %d jobs, say which: %s", len(runs), strings.Join(f.a.jobNames(), ", ")))
	}
	for _, r := range runs {
		if r.job.Name == o.Job || o.Job == "" {
			return f.a.beginRescan(ctx, r.job, RescanOptions{Job: r.job.Name, From: o.From, To: o.To, Who: o.Who, Why: o.Reason})
		}
	}
	return "", admin.Asked(admin.ErrElsewhere, fmt.Errorf("the config of this process has no job %q: ask a scheduler that runs it", o.Job))
}
