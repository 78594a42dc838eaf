package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/masixun71/cupid-go/pkg/app"
)

// catchReload hears of SIGHUP from now on, so that one that comes early ends nothing.
// Windows knows the word and never sends it.
func catchReload() chan os.Signal {
	reload := make(chan os.Signal, 1) // of several at once the last reading is the newest anyway
	signal.Notify(reload, syscall.SIGHUP)
	return reload
}

// reloads has the process read its config again at each signal, as long as ctx lasts.
func reloads(ctx context.Context, a *app.App, s service) {
	for {
		select {
		case <-s.reload:
		case <-ctx.Done():
			return
		}
		working := a.Working()
		if working { // before it is ready there is nothing that systemd would wait for
			_, _ = daemon.SdNotify(false, daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
		}
		a.Reload(s.load())
		if working {
			_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
		}
	}
}
