package cli

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/masixun71/cupid-go/pkg/app"
)

// tellSystemd says how the process is as long as ctx lasts, when it runs as a unit with
// Type=notify; elsewhere it returns at once. It is started when it works, and the
// watchdog is fed only while every loop turns. A word that does not arrive is said again.
func tellSystemd(ctx context.Context, a *app.App) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	every := time.Second
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err == nil && watchdog > 0 {
		every = min(every, watchdog/3)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		// The watchdog first: the rest of the state may take a while to find out.
		alive, hanging := a.Alive()
		if alive {
			_, _ = daemon.SdNotify(false, daemon.SdNotifyWatchdog)
		}
		_, _ = daemon.SdNotify(false, state(ctx, a, hanging))
		select {
		case <-tick.C:
		case <-ctx.Done():
			_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
			return
		}
	}
}

// state is what systemd and `systemctl status` are told.
func state(ctx context.Context, a *app.App, hanging string) string {
	status := "STATUS=working"
	if hanging != "" {
		status = "STATUS=hanging: " + hanging
	} else if ready, why := a.Ready(ctx); !ready {
		status = "STATUS=waiting: " + why
	}
	status = strings.ReplaceAll(status, "\n", " ")
	if a.Working() {
		return daemon.SdNotifyReady + "\n" + status // once more does no harm
	}
	return status
}
