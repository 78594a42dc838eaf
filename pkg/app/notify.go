package app

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/notify"
)

// TestAlerts sends one message through every channel at once, prints a line for each,
// and says whether all worked. Without a channel there is nothing that could work.
func TestAlerts(ctx context.Context, c *config.Config, out io.Writer) (worked bool, err error) {
	channels, err := notify.Channels(c.Alerts, nil)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if len(channels) == 0 {
		return false, fmt.Errorf("%w: %s names no channel: set alerts.urls, alerts.dingtalk.url, alerts.serverChan.sendKey or alerts.pushbear.sendKey", ErrConfig, c.Path)
	}
	host := hostName()
	results := make([]error, len(channels))
	var sending sync.WaitGroup
	for i, channel := range channels {
		sending.Go(func() { results[i] = channel.Test(ctx, c.Alerts.Language, host) })
	}
	sending.Wait()
	worked = true
	for i, channel := range channels {
		line := "sent"
		if results[i] != nil {
			worked, line = false, results[i].Error()
		}
		fmt.Fprintf(out, "%s (%s): %s\n", channel.Place, channel.Kind, line)
	}
	return worked, nil
}
