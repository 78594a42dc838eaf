package broker

import (
	"context"
	"fmt"
	"slices"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Strays are open callbacks that stand in no queue. Nobody would ever see to them, and a difference that is met again
// is only counted: cupid moves ids in one step, so a hand has taken theirs away. With who they are read again, and an
// event says so.
func (c *Callbacks) Strays(ctx context.Context, who string) ([]string, error) {
	var suspects []string
	destinations := map[string]bool{}
	err := c.each(ctx, func(ids []string) error {
		found, err := c.strays(ctx, "", ids)
		for id, destination := range found {
			suspects = append(suspects, id)
			destinations[destination] = true
		}
		return err
	})
	if err != nil || len(suspects) == 0 {
		return nil, err
	}
	// What was on its way from one set to another, or is due, is none.
	due := map[string]bool{}
	for destination := range destinations {
		if err := c.onList(ctx, destination, due); err != nil {
			return nil, err
		}
	}
	suspects = slices.DeleteFunc(suspects, func(id string) bool { return due[id] })
	slices.Sort(suspects)
	var all []string
	for chunk := range slices.Chunk(suspects, upkeepBatch) {
		found, err := c.strays(ctx, who, chunk)
		if err != nil {
			return all, err
		}
		for _, id := range chunk {
			if _, stray := found[id]; stray {
				all = append(all, id)
			}
		}
	}
	return all, nil
}

// strays are those of ids that are in no sorted set, and their destinations.
func (c *Callbacks) strays(ctx context.Context, who string, ids []string) (map[string]string, error) {
	k := c.q.keys
	keys := []string{k.confirm(), k.verify(), k.retry(), k.slow(), k.callbacksLeased(), k.parked(), k.events()}
	args := append([]any{oneLine(who), k.callbackPrefix(), c.q.b.wakeChannel(), c.q.message(job.WakeDue)}, anys(ids)...)
	reply, err := run(ctx, c.q.b.rdb, strayCallbacksScript, keys, args...)
	if err != nil {
		return nil, fmt.Errorf("look for stray callbacks of %s: %w", c.q.job, err)
	}
	said, err := texts(reply)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for pair := range slices.Chunk(said, 2) {
		found[pair[0]] = pair[len(pair)-1]
	}
	return found, nil
}

// each goes through the ids of all open callbacks, by their hashes.
func (c *Callbacks) each(ctx context.Context, do func(ids []string) error) error {
	prefix := c.q.keys.callbackPrefix()
	node, err := c.q.b.node(ctx, prefix)
	if err != nil {
		return redisError(err)
	}
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		var found []string
		if found, cursor, err = node.Scan(ctx, cursor, globEscape(prefix)+"*", 1000).Result(); err != nil {
			return redisError(err)
		}
		for chunk := range slices.Chunk(found, upkeepBatch) {
			ids := make([]string, len(chunk))
			for i, key := range chunk {
				ids[i] = key[len(prefix):]
			}
			if err := do(ids); err != nil {
				return err
			}
		}
	}
	return nil
}

// onList adds the ids that are due for a destination. What is pushed meanwhile moves those behind it to where they
// are read a second time, not past the reader.
func (c *Callbacks) onList(ctx context.Context, destination string, due map[string]bool) error {
	const page = 1000
	for first := int64(0); ; first += page {
		ids, err := c.q.b.rdb.LRange(ctx, c.q.keys.callbacks(destination), first, first+page-1).Result()
		if err != nil {
			return redisError(err)
		}
		for _, id := range ids {
			due[id] = true
		}
		if len(ids) < page {
			return nil
		}
	}
}
