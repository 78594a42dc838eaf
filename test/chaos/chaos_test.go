//go:build chaos

package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// number reads a variable of the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	require.NoError(t, err, "%s must be a number", name)
	return n
}

func TestNothingIsLostWhateverBreaks(t *testing.T) {
	t.Parallel()
	seconds, seed := number(t, "CHAOS_SECONDS", 60), number(t, "CHAOS_SEED", uint64(rand.Uint32()))
	fmt.Printf("chaos: to repeat this order of faults: make chaos CHAOS_SECONDS=%d CHAOS_SEED=%d\n", seconds, seed)

	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	processes := launch(t, w)
	fleet.WaitForReady(t, processes...)
	traffic := &fleet.Traffic{World: w, Seed: seed, Rows: 1000, Rate: 200, Loss: 0.05, Delay: 100 * time.Millisecond, Hot: 10}
	traffic.Start(t)
	chaos := schedule{t: t, random: rand.New(rand.NewPCG(seed, 0)), faults: faults(w, processes)}
	chaos.run(time.Duration(seconds) * time.Second)
	traffic.Stop()

	// Seen, not lost, closed by evidence: the cursor is at the top, both tables
	// are equal, and nothing is leased, listed or waiting.
	healed := time.Now()
	w.WaitUntilSettled(t, 3*time.Minute)
	report, calls := traffic.Report(), w.Receiver.Counts("id")
	fmt.Printf("chaos: settled after %s: %d rows, %d changes lost, %d rows only a callback could bring, %d POSTs; counters %v\n",
		time.Since(healed).Round(time.Second), report.Rows, report.Lost, len(report.Owed), w.Receiver.Count(), w.Stats(t))
	for id := range report.Owed {
		require.NotZero(t, calls[callbacktest.Key{ID: id, Type: 1}]+calls[callbacktest.Key{ID: id, Type: 2}], "row %s was lost and not called", id)
	}
}

func launch(t *testing.T, w *fleet.World) []*fleet.Process {
	t.Helper()
	config := w.SeedConfig(t, `"failureJobRetrySecond": 1`, `"slowRetrySecond": 3`, `"verifyDelaySecond": 2`)
	env := w.Env("CUPID_LEASE="+lease.String(), "CUPID_JOBS_0_LATE_COMMIT=10s")
	var all []*fleet.Process
	for i, command := range []string{fleet.Scheduler, fleet.Scheduler, fleet.Worker, fleet.Worker, fleet.Worker, fleet.Worker} {
		all = append(all, fleet.Launch(t, fleet.Name(command, i+1), env, command, "-c", config))
	}
	return all
}
