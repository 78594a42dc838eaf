//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/chaos/checker"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestAllProcessesDieAtOnceInACatchUp counts, in Redis' append-only file, how often each
// range was begun: what was leased is done again, and nothing else. ROWS are 100,000, where
// the environment does not say more:
//
//	ROWS=5200000 go test -tags e2e -run TestAllProcessesDieAtOnceInACatchUp -count=1 -timeout 30m -v ./test/e2e
func TestAllProcessesDieAtOnceInACatchUp(t *testing.T) {
	t.Parallel()
	rows := 100_000
	if text := os.Getenv("ROWS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, "ROWS")
		rows = n
	}
	const workers, comparers = 2, 4
	rangeRows := min(rows/400, 10_000)
	patience := 2*time.Minute + time.Duration(rows/10_000)*time.Second
	w := fleet.NewWorld(t)
	const most = 100_000 // rows of one statement
	if rows > most {
		w.Exec(t, "SET GLOBAL innodb_buffer_pool_size = 2147483648")
	}
	for first := 1; first <= rows; first += most {
		w.Fill(t, first, min(most, rows-first+1))
	}
	w.CopyAll(t)
	w.Exec(t, "UPDATE db2.user SET name = 'lost' WHERE own_id % 1000 = 0")
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	config := w.SeedConfig(t, `"update": false`, fmt.Sprintf(`"workerNumber": %d`, comparers+2))
	processes := launch(t, w, config, 2, workers, "CUPID_LEASE=10s", fmt.Sprintf("CUPID_JOBS_0_RANGE_ROWS=%d", rangeRows))
	eventually.Until(t, patience, func() bool { return w.Stats(t)["rows"] > rows/4 }, "a quarter is compared")
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
	w.WaitUntilSettled(t, patience)

	found, err := w.Redis.Client.ConfigGet(t.Context(), "*dir*").Result()
	require.NoError(t, err)
	ledger, err := checker.ReadLedger(filepath.Join(found["dir"], found["appenddirname"]), "cupid:", fleet.Job)
	require.NoError(t, err)
	require.Empty(t, ledger.Violations, "each range was claimed once and compared to its end")
	t.Logf("killed at %d of %d rows with %d ranges leased; %d ranges and %d late ones were begun %d times",
		done, rows, leased, ledger.Ranges, ledger.Late, ledger.Runs)
	require.LessOrEqual(t, ledger.Runs-ledger.Ranges-ledger.Late, leased)
}
