package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// fleet is what the API of this process shows and steers: everything in its Redis.
type fleet struct{ a *App }

// asked marks errors about what was asked, for the API.
func asked(err error) error {
	if errors.Is(err, broker.ErrUnknown) {
		return admin.Asked(admin.ErrUnknown, err)
	}
	return err
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

// Callbacks lists a page of a queue. With a destination it may hold fewer than asked
// for: the others of the queue are passed over, a bounded number at once.
func (f fleet) Callbacks(ctx context.Context, p admin.Place) (page admin.Callbacks, err error) {
	const farthest = 2000
	open, err := f.a.broker.Callbacks(ctx, p.Job)
	if err != nil {
		return page, asked(err)
	}
	if page.Total, err = open.Length(ctx, p.Queue, p.Destination); err != nil {
		return page, asked(err)
	}
	at := p.First
	for at < page.Total && at < p.First+max(farthest, p.Most) && len(page.Callbacks) == 0 {
		if page.Callbacks, err = open.List(ctx, p.Queue, p.Destination, at, p.Most); err != nil {
			return page, asked(err)
		}
		at += p.Most
	}
	if at < page.Total {
		page.Next = at
	}
	return page, nil
}

// Callback shows one.
func (f fleet) Callback(ctx context.Context, name, id string) (job.Shown, error) {
	open, err := f.a.broker.Callbacks(ctx, name)
	if err != nil {
		return job.Shown{}, asked(err)
	}
	found, err := open.Show(ctx, id)
	return found, asked(err)
}

// Ranges lists a page of a queue.
func (f fleet) Ranges(ctx context.Context, p admin.Place) (page admin.Ranges, err error) {
	found, total, err := f.a.broker.Ranges(ctx, p.Job, p.Queue, p.First, p.Most)
	page = admin.Ranges{Ranges: found, Total: int(total)}
	if end := p.First + p.Most; end < page.Total {
		page.Next = end
	}
	return page, asked(err)
}

// Events gives the newest events of a job, or of the fleet and all its jobs.
func (f fleet) Events(ctx context.Context, name string, n int) ([]job.Event, error) {
	if name == "" {
		return f.a.broker.AllEvents(ctx, n)
	}
	if _, err := f.a.broker.Callbacks(ctx, name); err != nil {
		return nil, asked(err)
	}
	return f.a.broker.Events(ctx, name, n)
}

// mostActs bounds for how many places of a queue one request keeps Redis busy.
const mostActs = 2000

// Act does an order, or a part of it.
func (f fleet) Act(ctx context.Context, o admin.Order) (admin.Outcome, error) {
	open, err := f.a.broker.Callbacks(ctx, o.Job)
	if err != nil {
		return admin.Outcome{}, asked(err)
	}
	did, left, err := actOn(ctx, open, o.Act, QueueOptions{
		Job: o.Job, Destination: o.Destination, Queue: o.Queue, IDs: o.IDs, Who: o.Who, Why: o.Reason,
	}, portion{before: o.Before, most: mostActs})
	if err == nil {
		f.a.log.Info("callbacks were acted on", "act", string(o.Act), "who", o.Who, "job", o.Job, "queue", o.Queue, "done", did[string(job.ActDone)])
	}
	return admin.Outcome{Did: did, Left: left}, asked(err)
}

// Pause has a job stand still, or a destination.
func (f fleet) Pause(ctx context.Context, p admin.Pause) (until time.Time, err error) {
	until, err = f.a.broker.Pause(ctx, broker.Hold{Job: p.Job, Destination: p.Destination}, p.Who, p.Reason, p.For)
	return until, asked(err)
}

// Resume has a paused job go on, or a destination.
func (f fleet) Resume(ctx context.Context, p admin.Pause) (held bool, err error) {
	held, err = f.a.broker.Resume(ctx, broker.Hold{Job: p.Job, Destination: p.Destination}, p.Who)
	return held, asked(err)
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
		if err := f.a.broker.NoteEvent(ctx, job.Event{Job: l.Job, Kind: looked, Who: l.Who, What: "key " + l.Key}); err != nil {
			return nil, err
		}
		reports, err := LookAtRow(ctx, &config.Config{Jobs: []job.Job{r.job}}, RowOptions{Job: l.Job, Key: []string{l.Key}})
		if errors.Is(err, ErrConfig) {
			err = admin.Asked(admin.ErrUnknown, err)
		}
		return reports, err
	}
	return nil, admin.Asked(admin.ErrElsewhere, fmt.Errorf("the config of this process has no job %q: ask a scheduler that runs it", l.Job))
}

// Quiet has a process fetch nothing more.
func (f fleet) Quiet(ctx context.Context, process, who, why string) error {
	return asked(f.a.broker.Quiet(ctx, process, who, why))
}

// Loud has a quiet process go on.
func (f fleet) Loud(ctx context.Context, process, who string) (held bool, err error) {
	held, err = f.a.broker.Loud(ctx, process, who)
	return held, asked(err)
}

// Rescan begins to have rows of a job of this process looked at again.
func (f fleet) Rescan(ctx context.Context, o admin.Rescan) error {
	for _, r := range f.a.runs() {
		if r.job.Name == o.Job {
			return f.a.beginRescan(ctx, r.job, RescanOptions{Job: o.Job, From: o.From, To: o.To, Who: o.Who, Why: o.Reason})
		}
	}
	return admin.Asked(admin.ErrElsewhere, fmt.Errorf("the config of this process has no job %q: ask a scheduler that runs it", o.Job))
}
