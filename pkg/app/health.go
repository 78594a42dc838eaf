package app

import (
	"context"
	"errors"

	"github.com/masixun71/cupid-go/pkg/admin"
)

// Health asks one process whether it is alive and ready, and puts the answer into a line.
func Health(ctx context.Context, addr string) (line string, ok bool) {
	client := admin.Client{Addr: addr}
	if err := client.Live(ctx); err != nil {
		if errors.Is(err, admin.ErrHangs) {
			return err.Error(), false
		}
		return "does not answer: " + err.Error(), false
	}
	r, err := client.Ready(ctx)
	if err != nil {
		return "alive, but does not say whether it is ready: " + err.Error(), false
	}
	if ready, why := none(r.Problems); !ready {
		return "alive, not ready: " + why, false
	}
	return "alive and ready", true
}
