package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
)

// Waiting is one callback as people see it.
type Waiting = broker.Waiting

// Act is what a person can do with a callback.
type Act = broker.Act

// The acts.
const (
	ActRetry  = broker.ActRetry
	ActPark   = broker.ActPark
	ActUnpark = broker.ActUnpark
	ActDrop   = broker.ActDrop
)

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

// ActOnCallbacks does what a person wants with open callbacks, and leaves an event.
// The numbers say what came of it, by the words of package broker.
func ActOnCallbacks(ctx context.Context, c *config.Config, act Act, o QueueOptions) (did map[string]int, err error) {
	did = map[string]int{}
	err = withCallbacks(ctx, c, o.Job, func(open *broker.Callbacks) error {
		if len(o.IDs) > 0 {
			return add(did, func() (map[broker.Acted]int, error) {
				return open.Do(ctx, act, o.Who, o.Why, event(o, fmt.Sprintf("%d callback(s), the first %s", len(o.IDs), o.IDs[0])), o.IDs)
			})
		}
		note := event(o, "all of the queue "+o.Queue)
		const page = 500
		for first := 0; ; {
			found, err := open.List(ctx, o.Queue, "", first, page)
			if err != nil || len(found) == 0 {
				return err
			}
			var ids []string
			for _, w := range found {
				if o.Destination == "" || w.Destination == o.Destination {
					ids = append(ids, w.ID)
				}
			}
			before := did[string(broker.ActDone)]
			if err := add(did, func() (map[broker.Acted]int, error) { return open.Do(ctx, act, o.Who, o.Why, note, ids) }); err != nil {
				return err
			}
			note = ""
			first += len(found) - (did[string(broker.ActDone)] - before) // what stays where it is, is passed over
		}
	})
	return did, err
}

func add(did map[string]int, act func() (map[broker.Acted]int, error)) error {
	done, err := act()
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

// withCallbacks opens the Redis of a config for a person's act.
func withCallbacks(ctx context.Context, c *config.Config, name string, act func(*broker.Callbacks) error) (err error) {
	if c.Redis == nil {
		return fmt.Errorf("%w: %s names no Redis: a cupid that keeps its work in itself has no queue that others can see", ErrConfig, c.Path)
	}
	b := broker.Open(*c.Redis, broker.Options{Name: "cupid-queue"})
	defer func() { err = errors.Join(err, b.Close()) }()
	open, err := b.Callbacks(ctx, name)
	if err == nil {
		err = act(open)
	}
	if errors.Is(err, broker.ErrRefused) {
		err = fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return err
}
