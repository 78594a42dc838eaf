package app

import (
	"context"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
)

// RemoveOptions say which job is forgotten, and why.
type RemoveOptions struct{ Job, Who, Why string }

// RemoveJob forgets a job that no process of the fleet runs, for good, and leaves an
// event. It says how many keys there were.
func RemoveJob(ctx context.Context, c *config.Config, o RemoveOptions) (keys int, err error) {
	err = withRedis(c, func(b *broker.Broker) (err error) {
		keys, err = b.Remove(ctx, o.Job, o.Who, o.Why)
		return err
	})
	return keys, err
}
