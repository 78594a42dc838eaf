package app

import (
	"context"
	"time"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
)

// PauseOptions say what stands still, and why.
type PauseOptions struct {
	Job, Destination string // without a destination the whole job
	Who, Why         string
	For              time.Duration // 0 until somebody resumes it
}

// Pause has a job of the fleet, or the callbacks of one of its destinations, stand still, and leaves an event. The time is when
// that ends by itself, zero for never.
func Pause(ctx context.Context, c *config.Config, o PauseOptions) (until time.Time, err error) {
	err = withRedis(c, func(b *broker.Broker) (err error) {
		until, err = b.Pause(ctx, broker.Hold{Job: o.Job, Destination: o.Destination}, o.Who, o.Why, o.For)
		return err
	})
	return until, err
}

// Resume has a paused job go on, or a destination that a person or the brake holds, and
// leaves an event; held says whether it was held.
func Resume(ctx context.Context, c *config.Config, job, destination, who string) (held bool, err error) {
	err = withRedis(c, func(b *broker.Broker) (err error) {
		held, err = b.Resume(ctx, broker.Hold{Job: job, Destination: destination}, who)
		return err
	})
	return held, err
}
