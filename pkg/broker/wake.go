package broker

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Hint says that something of a job may be at hand. An empty Job means: look
// at everything, hints may have been missed.
type Hint struct {
	Job  string
	What string // job.WakeRanges, job.WakeCallbacks or job.WakeDue
}

// Hints calls hear for each hint until ctx ends. Hints are only that: they get
// lost while the connection is away, so each (re)connect gives one that says
// "look at everything", and every listener polls slowly as well.
func (b *Broker) Hints(ctx context.Context, hear func(Hint)) error {
	sub := b.rdb.Subscribe(ctx, b.wakeChannel())
	defer func() { _ = sub.Close() }()
	messages := sub.ChannelWithSubscriptions(redis.WithChannelSize(1000))
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m, ok := <-messages:
			if !ok {
				return redis.ErrClosed
			}
			switch m := m.(type) {
			case *redis.Subscription:
				hear(Hint{})
			case *redis.Message:
				name, what, _ := strings.Cut(m.Payload, " ")
				hear(Hint{Job: name, What: what})
			}
		}
	}
}
