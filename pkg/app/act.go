package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Waiting is one callback as people see it.
type Waiting = job.Waiting

// Act is what a person can do with a callback.
type Act = job.Act

// The acts.
const (
	ActRetry  = job.ActRetry
	ActPark   = job.ActPark
	ActUnpark = job.ActUnpark
	ActDrop   = job.ActDrop
)

// Queues are those of callbacks, by name.
func Queues() []string { return slices.Clone(broker.WaitingQueues) }

// QueueOptions say which callbacks are meant.
type QueueOptions struct {
	Job         string   // "" for the only one
	Destination string   // "" for all
	Queue       string   // due, leased, confirm, verify, retry, slow or parked
	First, Most int      // to list: from which on, from 0, and how many
	IDs         []string // to act on; without any, all of Queue
	Who, Why    string
}

// ListCallbacks shows open callbacks of the fleet whose Redis the config names.
func ListCallbacks(ctx context.Context, c *config.Config, o QueueOptions) (all []Waiting, err error) {
	err = withCallbacks(ctx, c, o.Job, func(open *broker.Callbacks) (err error) {
		all, err = open.List(ctx, o.Queue, o.Destination, o.First, o.Most)
		return err
	})
	return all, err
}

// Shown is one callback with all that Redis holds of it.
type Shown = job.Shown

// ShowCallback shows one open callback of the fleet whose Redis the config names.
func ShowCallback(ctx context.Context, c *config.Config, name, id string) (found Shown, err error) {
	err = withCallbacks(ctx, c, name, func(open *broker.Callbacks) (err error) {
		found, err = open.Show(ctx, id)
		return err
	})
	return found, err
}

// ActOnCallbacks does what a person wants with open callbacks, and leaves an event.
// The numbers say what came of it, by the words of package job.
func ActOnCallbacks(ctx context.Context, c *config.Config, act Act, o QueueOptions) (did map[string]int, err error) {
	err = withCallbacks(ctx, c, o.Job, func(open *broker.Callbacks) (err error) {
		did, _, err = actOn(ctx, open, act, o, portion{})
		return err
	})
	return did, err
}

// StrayCallbacks are the ids of open callbacks that stand in no queue, since somebody has deleted theirs by hand. With
// who they are read again, and leave an event.
func StrayCallbacks(ctx context.Context, c *config.Config, name, who string) (ids []string, err error) {
	err = withCallbacks(ctx, c, name, func(open *broker.Callbacks) (err error) {
		ids, err = open.Strays(ctx, who)
		return err
	})
	return ids, err
}

// portion is a part of the callbacks of a queue: what stands before a place, and no
// more than so many places; all for zeroes.
type portion struct{ before, most int }

// actOn acts on single callbacks, or on a portion of a queue. What is left of the
// queue stands before the place left.
func actOn(ctx context.Context, open *broker.Callbacks, act Act, o QueueOptions, p portion) (did map[string]int, left int, err error) {
	did = map[string]int{}
	if len(o.IDs) > 0 {
		return did, 0, do(ctx, open, act, o, event(o, fmt.Sprintf("%d callback(s), the first %s", len(o.IDs), o.IDs[0])), o.IDs, did)
	}
	note := event(o, "all of the queue "+o.Queue)
	if left = p.before; left == 0 {
		if left, err = open.Length(ctx, o.Queue, o.Destination); err != nil {
			return did, 0, err
		}
	} else {
		note = "" // it stands there since the first portion
	}
	// From the far end on: what an act, or a worker, takes out of the queue moves nothing
	// that is still to come out of sight.
	const page = 500
	for end := left - p.most; left > 0 && (p.most == 0 || left > end); {
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
		if err := do(ctx, open, act, o, note, ids, did); err != nil {
			return did, left, err
		}
		note = ""
	}
	return did, left, nil
}

// do adds what came of an act to did.
func do(ctx context.Context, open *broker.Callbacks, act Act, o QueueOptions, note string, ids []string, did map[string]int) error {
	done, err := open.Do(ctx, act, o.Who, o.Why, note, ids)
	for word, n := range done {
		did[string(word)] += n
	}
	return err
}

// event is the note that an act leaves.
func event(o QueueOptions, what string) string {
	if o.Destination != "" {
		what += " of " + o.Destination
	}
	if o.Why != "" {
		what += ": " + o.Why
	}
	return what
}

// withCallbacks opens the callbacks of a job for a person's act.
func withCallbacks(ctx context.Context, c *config.Config, name string, act func(*broker.Callbacks) error) error {
	return withRedis(c, func(b *broker.Broker) error {
		open, err := b.Callbacks(ctx, name)
		if err != nil {
			return err
		}
		return act(open)
	})
}

// withRedis opens the Redis of a config for a person's act.
func withRedis(c *config.Config, act func(*broker.Broker) error) (err error) {
	if c.Redis == nil {
		return fmt.Errorf("%w: %s names no Redis: a cupid that keeps its work in itself has no queue that others can see", ErrConfig, c.Path)
	}
	b := broker.Open(*c.Redis, broker.Options{Name: "cupid-operator"})
	defer func() { err = errors.Join(err, b.Close()) }()
	if err = act(b); errors.Is(err, broker.ErrRefused) {
		err = fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return err
}
