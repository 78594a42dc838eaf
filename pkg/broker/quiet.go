package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// The kinds of the events that people leave who have a process stand still, or go on.
const (
	eventQuiet job.EventKind = "quiet"
	eventLoud  job.EventKind = "loud"
)

// WakeQuiet is the hint that a process may be held, or be held no more.
const WakeQuiet = "quiet"

// everybody stands for the job in a hint that is about none.
const everybody = "*"

// Quiet has a process fetch nothing more and finish what it leased, until Loud or
// its end. The hold stands in the registry, so that any process can be asked to do it.
// Cut off before the event, or repeated after a lost reply, it holds all the same.
func (b *Broker) Quiet(ctx context.Context, id, who, why string) error {
	if _, err := b.quiet(ctx, id, oneLine(who+": "+why)); err != nil {
		return err
	}
	return b.NoteEvent(ctx, job.Event{Kind: eventQuiet, Who: who, What: "the process " + id + ": " + why})
}

// Loud has a process go on that was quiet; held says whether it was.
func (b *Broker) Loud(ctx context.Context, id, who string) (held bool, err error) {
	before, err := b.quiet(ctx, id, "")
	if err != nil || before == "" {
		return false, err
	}
	return true, b.NoteEvent(ctx, job.Event{Kind: eventLoud, Who: who, What: "the process " + id + ", which was held by " + before})
}

func (b *Broker) quiet(ctx context.Context, id, hold string) (before string, err error) {
	reply, err := run(ctx, b.rdb, quietScript, []string{b.processKey(id)}, hold, b.wakeChannel(), everybody+" "+WakeQuiet)
	if err != nil {
		return "", fmt.Errorf("hold the process %s: %w", id, err)
	}
	said, err := texts(reply)
	switch {
	case err != nil:
		return "", err
	case len(said) == 2:
		return said[1], nil
	case len(said) == 1 && said[0] == "scheduler":
		return "", unknownError(id + " is a scheduler, which fetches nothing; cupid pause has a job stand still")
	}
	return "", unknownError(fmt.Sprintf("no process %q beat within the last minute; cupid workers shows those that did", id))
}

// Quieted says who holds a process and why; "" when nobody does.
func (b *Broker) Quieted(ctx context.Context, id string) (string, error) {
	hold, err := b.rdb.HGet(ctx, b.processKey(id), "quiet").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", redisError(err)
	}
	return hold, nil
}
