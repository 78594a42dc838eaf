//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/chaos/checker"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestAllProcessesDieAtOnceInACatchUp counts, in Redis' append-only file, how often each
// range was begun: what was leased is done again, and nothing else.
func TestAllProcessesDieAtOnceInACatchUp(t *testing.T) {
	t.Parallel()
	const rows, rangeRows, workers, comparers = 100_000, 250, 2, 4
	w := fleet.NewWorld(t)
	w.Fill(t, 1, rows)
	w.CopyAll(t)
	w.Exec(t, "UPDATE db2.user SET name = 'lost' WHERE own_id % 1000 = 0")
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	config := w.SeedConfig(t, `"update": false`, fmt.Sprintf(`"workerNumber": %d`, comparers+2))
	processes := launch(t, w, config, 2, workers, "CUPID_LEASE=10s", fmt.Sprintf("CUPID_JOBS_0_RANGE_ROWS=%d", rangeRows))
	eventually.Until(t, time.Minute, func() bool { return w.Stats(t)["rows"] > rows/4 }, "a quarter is compared")
	for _, p := range processes {
		p.Kill(t)
	}
	done := w.Stats(t)["rows"]
	require.Less(t, done, rows*9/10, "it is in the middle of it")
	leased := int(w.Redis.Client.ZCard(t.Context(), fleet.Key("ranges:leased")).Val())
	require.LessOrEqual(t, leased, workers*comparers)
	for _, p := range processes {
		p.Start(t)
	}
	w.WaitUntilSettled(t, 2*time.Minute)

	found, err := w.Redis.Client.ConfigGet(t.Context(), "*dir*").Result()
	require.NoError(t, err)
	ledger, err := checker.ReadLedger(filepath.Join(found["dir"], found["appenddirname"]), "cupid:", fleet.Job)
	require.NoError(t, err)
	require.Empty(t, ledger.Violations, "each range was claimed once and compared to its end")
	t.Logf("killed at %d of %d rows with %d ranges leased; %d ranges and %d late ones were begun %d times",
		done, rows, leased, ledger.Ranges, ledger.Late, ledger.Runs)
	require.LessOrEqual(t, ledger.Runs-ledger.Ranges-ledger.Late, leased)
}
