//go:build e2e

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// notified is the socket on which systemd hears a unit of Type=notify.
type notified struct {
	path string
	mu   sync.Mutex
	said []string
}

func listen(t *testing.T) *notified {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") //nolint:usetesting // t.TempDir may be too long for a socket
	require.NoError(t, err)
	n := &notified{path: filepath.Join(dir, "socket")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: n.path, Net: "unixgram"})
	require.NoError(t, err)
	var reading sync.WaitGroup
	reading.Go(func() {
		buffer := make([]byte, 64<<10)
		for {
			length, err := conn.Read(buffer)
			if err != nil {
				return
			}
			n.mu.Lock()
			n.said = append(n.said, strings.Split(string(buffer[:length]), "\n")...)
			n.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		conn.Close()
		reading.Wait()
		require.NoError(t, os.RemoveAll(dir))
	})
	return n
}

// count is how many lines began so.
func (n *notified) count(prefix string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, line := range n.said {
		if strings.HasPrefix(line, prefix) {
			count++
		}
	}
	return count
}

func TestSystemdIsToldHowAProcessIs(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 100)
	w.CopyAll(t)
	w.Redis.Stop(t)
	config := w.SeedConfig(t)
	for _, command := range []string{fleet.Scheduler, fleet.Worker, fleet.Cupid} {
		systemd := listen(t)
		p := fleet.Launch(t, command, w.Env("NOTIFY_SOCKET="+systemd.path, "WATCHDOG_USEC=600000"), command, "-c", config)
		eventually.Until(t, time.Minute, func() bool { return systemd.count("STATUS=waiting: ") > 0 }, "it says what it waits for")
		eventually.Until(t, time.Minute, func() bool { return systemd.count("WATCHDOG=1") > 2 }, "waiting is no hanging")
		require.Zero(t, systemd.count("READY=1"), "it does not work yet")

		w.Redis.Restart(t)
		eventually.Until(t, time.Minute, func() bool { return systemd.count("READY=1") > 0 && systemd.count("STATUS=working") > 0 }, "it says that it works")
		fed := systemd.count("WATCHDOG=1")
		eventually.Until(t, time.Minute, func() bool { return systemd.count("WATCHDOG=1") > fed+2 }, "the watchdog is fed")

		p.Pause(t)
		fed = systemd.count("WATCHDOG=1")
		<-time.After(2 * time.Second)
		require.LessOrEqual(t, systemd.count("WATCHDOG=1"), fed+1, "a process that stands still feeds nothing")
		p.Resume(t)

		p.Terminate(t)
		require.Zero(t, p.Ended(t, 10*time.Second))
		eventually.Until(t, time.Minute, func() bool { return systemd.count("STOPPING=1") == 1 }, "it says that it stops")
		w.Redis.Stop(t)
	}
}
