package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
)

// ledger is what stands in Redis of a fleet, for people: it lists it and does their orders.
type ledger struct{ b *broker.Broker }

// asked marks errors about what was asked.
func asked(err error) error {
	switch {
	case errors.Is(err, broker.ErrUnknown):
		return admin.Asked(admin.ErrUnknown, err)
	case errors.Is(err, broker.ErrRuns):
		return admin.Asked(admin.ErrInUse, err)
	}
	return err
}

// Callbacks lists a page of a queue. With a destination it may hold fewer than asked
// for: the others of the queue are passed over, a bounded number at once.
func (l ledger) Callbacks(ctx context.Context, p admin.Place) (page admin.Callbacks, err error) {
	const farthest = 2000
	open, err := l.b.Callbacks(ctx, p.Job)
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
func (l ledger) Callback(ctx context.Context, name, id string) (job.Shown, error) {
	open, err := l.b.Callbacks(ctx, name)
	if err != nil {
		return job.Shown{}, asked(err)
	}
	found, err := open.Show(ctx, id)
	return found, asked(err)
}

// Ranges lists a page of a queue.
func (l ledger) Ranges(ctx context.Context, p admin.Place) (page admin.Ranges, err error) {
	found, total, err := l.b.Ranges(ctx, p.Job, p.Queue, p.First, p.Most)
	page = admin.Ranges{Ranges: found, Total: int(total)}
	if end := p.First + p.Most; end < page.Total {
		page.Next = end
	}
	return page, asked(err)
}

// Events gives the newest events of a job, or of the fleet and all its jobs.
func (l ledger) Events(ctx context.Context, name string, n int) ([]job.Event, error) {
	if name == "" {
		return l.b.AllEvents(ctx, n)
	}
	if _, err := l.b.Callbacks(ctx, name); err != nil {
		return nil, asked(err)
	}
	return l.b.Events(ctx, name, n)
}

// Audit finds callbacks that stand in no queue.
func (l ledger) Audit(ctx context.Context, a admin.Audit) ([]string, error) {
	open, err := l.b.Callbacks(ctx, a.Job)
	if err != nil {
		return nil, asked(err)
	}
	who := ""
	if a.Fix {
		who = a.Who
	}
	return open.Strays(ctx, who)
}

// Pause has a job stand still, or a destination.
func (l ledger) Pause(ctx context.Context, p admin.Pause) (until time.Time, err error) {
	until, err = l.b.Pause(ctx, broker.Hold{Job: p.Job, Destination: p.Destination}, p.Who, p.Reason, p.For)
	return until, asked(err)
}

// Resume has a paused job go on, or a destination that a person or the brake holds.
func (l ledger) Resume(ctx context.Context, p admin.Pause) (held bool, err error) {
	held, err = l.b.Resume(ctx, broker.Hold{Job: p.Job, Destination: p.Destination}, p.Who)
	return held, asked(err)
}

// Quiet has a process fetch nothing more.
func (l ledger) Quiet(ctx context.Context, process, who, why string) error {
	return asked(l.b.Quiet(ctx, process, who, why))
}

// Loud has a quiet process go on.
func (l ledger) Loud(ctx context.Context, process, who string) (held bool, err error) {
	held, err = l.b.Loud(ctx, process, who)
	return held, asked(err)
}

// Remove forgets a job that no process runs.
func (l ledger) Remove(ctx context.Context, r admin.Removal) (keys int, err error) {
	keys, err = l.b.Remove(ctx, r.Job, r.Who, r.Reason)
	return keys, asked(err)
}

// mostActs bounds for how many places of a queue one order keeps Redis busy.
const mostActs = 2000

// Act does an order, or a part of it.
func (l ledger) Act(ctx context.Context, o admin.Order) (admin.Outcome, error) {
	open, err := l.b.Callbacks(ctx, o.Job)
	if err != nil {
		return admin.Outcome{}, asked(err)
	}
	did, left, err := actOn(ctx, open, o)
	return admin.Outcome{Did: did, Left: left}, asked(err)
}

// actOn acts on single callbacks, or on a part of a queue. What is left of the
// queue stands before the place left.
func actOn(ctx context.Context, open *broker.Callbacks, o admin.Order) (did map[string]int, left int, err error) {
	did = map[string]int{}
	if len(o.IDs) > 0 {
		return did, 0, do(ctx, open, o, noteOf(o, fmt.Sprintf("%d callback(s), the first %s", len(o.IDs), o.IDs[0])), o.IDs, did)
	}
	note := noteOf(o, "all of the queue "+o.Queue)
	if left = o.Before; left == 0 {
		if left, err = open.Length(ctx, o.Queue, o.Destination); err != nil {
			return did, 0, err
		}
	} else {
		note = "" // it stands there since the first part
	}
	// From the far end on: what an act, or a worker, takes out of the queue moves nothing
	// that is still to come out of sight.
	const page = 500
	for end := left - mostActs; left > 0 && left > end; {
		first := max(0, left-page)
		found, err := open.List(ctx, o.Queue, o.Destination, first, left-first)
		if err != nil {
			return did, left, err
		}
		left = first
		if len(found) == 0 {
			continue
		}
		ids := make([]string, len(found))
		for i, w := range found {
			ids[i] = w.ID
		}
		if err := do(ctx, open, o, note, ids, did); err != nil {
			return did, left, err
		}
		if did[string(job.ActDone)] > 0 {
			note = ""
		}
	}
	if note != "" && left > 0 { // what is left may be done in a later part, which does not know
		err = open.Note(ctx, o.Act, o.Who, note)
	}
	return did, left, err
}

// do adds what came of an act to did.
func do(ctx context.Context, open *broker.Callbacks, o admin.Order, note string, ids []string, did map[string]int) error {
	done, err := open.Do(ctx, o.Act, o.Who, o.Reason, note, ids)
	for word, n := range done {
		did[string(word)] += n
	}
	return err
}

// noteOf is the note that an act leaves.
func noteOf(o admin.Order, what string) string {
	if o.Destination != "" {
		what += " of " + o.Destination
	}
	if o.Reason != "" {
		what += ": " + o.Reason
	}
	return what
}
