//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestAFleetReadsItsConfigAgainAtASignal changes the address of a job's receiver under a running
// scheduler and worker, and tries a file with a mistake before.
func TestAFleetReadsItsConfigAgainAtASignal(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 100)
	w.CopyAll(t)
	config := w.SeedConfig(t, `"update": false`)
	systemd := listen(t)
	scheduler := fleet.Launch(t, "scheduler", w.Env("NOTIFY_SOCKET="+systemd.path), fleet.Scheduler, "-c", config)
	worker := fleet.Launch(t, "worker", w.Env(), fleet.Worker, "-c", config)
	eventually.Until(t, time.Minute, func() bool { return w.Stats(t)["rows"] == 100 }, "all rows are compared")
	eventually.Until(t, time.Minute, func() bool { return systemd.count("READY=1") > 0 }, "systemd knows that it works")
	text, err := os.ReadFile(config)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(string(text), `"insertIntervalMillisecond": 2000`, `"insertIntervalMillisecond": 0`, 1)), 0o600))
	scheduler.HangUp(t)
	worker.HangUp(t)
	for _, p := range []*fleet.Process{scheduler, worker} {
		p.WaitForOutput(t, "the config was read again and has mistakes, all goes on as before", time.Minute)
		require.Contains(t, p.Output(), "src.insertIntervalMillisecond: found")
		require.True(t, p.Running())
	}
	require.Equal(t, 1, systemd.count("RELOADING=1"))

	other := callbacktest.New(t, callbacktest.Repair(w.Repair))
	require.NoError(t, os.WriteFile(config, []byte(strings.ReplaceAll(string(text), strings.TrimPrefix(w.Receiver.URL, "http://"), strings.TrimPrefix(other.URL, "http://"))), 0o600))
	scheduler.HangUp(t)
	worker.HangUp(t)
	for _, p := range []*fleet.Process{scheduler, worker} {
		p.WaitForOutput(t, "changed=["+fleet.Job+"]", time.Minute)
	}
	w.Fill(t, 101, 10)
	w.WaitUntilSettled(t, time.Minute)
	require.Len(t, other.Counts("id"), 10)
	require.Zero(t, w.Receiver.Count(), "the former address is not called any more")
	for _, p := range []*fleet.Process{scheduler, worker} {
		p.Terminate(t)
		require.Zero(t, p.Ended(t, 10*time.Second))
	}
}
