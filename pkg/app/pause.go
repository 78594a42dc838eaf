package app

import (
	"context"
	"time"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
)

// PauseOptions say which job stands still, and why.
type PauseOptions struct {
	Job, Who, Why string
	For           time.Duration // 0 until somebody resumes it
}

// Pause has a job of the fleet stand still, and leaves an event. The time is when
// that ends by itself, zero for never.
func Pause(ctx context.Context, c *config.Config, o PauseOptions) (until time.Time, err error) {
	err = withRedis(c, func(b *broker.Broker) (err error) {
		until, err = b.Pause(ctx, o.Job, o.Who, o.Why, o.For)
		return err
	})
	return until, err
}

// Resume has a paused job go on, and leaves an event; held says whether it was paused.
func Resume(ctx context.Context, c *config.Config, job, who string) (held bool, err error) {
	err = withRedis(c, func(b *broker.Broker) (err error) {
		held, err = b.Resume(ctx, job, who)
		return err
	})
	return held, err
}
