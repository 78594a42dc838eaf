//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// wait lets the world go on for a while.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// called are the types of the callbacks that came, by row id.
func called(w *fleet.World) map[string][]int {
	types := map[string][]int{}
	for key := range w.Receiver.Counts("id") {
		types[key.ID] = append(types[key.ID], key.Type)
	}
	return types
}

func TestOnlyLostChangesAreCalledBesideALatePipeline(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	fleet.WaitForReady(t, launch(t, w, w.SeedConfig(t), 2, 3)...)

	traffic := &fleet.Traffic{World: w, Seed: 1, Rows: 1000, Rate: 500, Loss: 0.02, Delay: 300 * time.Millisecond, Hot: 20}
	traffic.Start(t)
	wait(t, 20*time.Second)
	traffic.Stop()
	w.WaitUntilSettled(t, 2*time.Minute)

	report, calls := traffic.Report(), called(w)
	t.Logf("%d rows, %d changes lost, %d owed, %d rows very late; %d rows called with %d POSTs; counters %v",
		report.Rows, report.Lost, len(report.Owed), report.Late, len(calls), w.Receiver.Count(), w.Stats(t))
	require.Empty(t, report.Errors)
	require.Greater(t, report.Lost, 20)
	require.NotZero(t, w.Stats(t)["hot"])
	for _, id := range slices.Sorted(maps.Keys(calls)) {
		require.True(t, report.Excused[id], "row %s was called with types %v although it was only late or hot", id, calls[id])
	}
	for id, fresh := range report.Owed {
		require.NotEmpty(t, calls[id], "row %s was lost and not called", id)
		if !fresh {
			require.Equal(t, []int{2}, calls[id], "row %s was there before", id)
		}
	}
}
