//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestAnOperatorFindsItsWay goes through what a person types while a receiver is
// down: what is wrong, stand still, look at a row, go on.
func TestAnOperatorFindsItsWay(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 300)
	w.CopyAll(t)
	w.Receiver.Behave(callbacktest.Always(http.StatusBadGateway))
	config := w.SeedConfig(t)
	all := launch(t, w, config, 1, 2)
	fleet.WaitForReady(t, all...)
	cupid := func(code int, args ...string) string {
		t.Helper()
		r := fleet.Run(t, nil, fleet.Cupid, append(args, "-c", config)...)
		require.Equal(t, code, r.Code, r.Stdout+r.Stderr)
		return r.Stdout
	}
	eventually.Until(t, time.Minute, func() bool {
		return fleet.Run(t, nil, fleet.Cupid, "doctor", "-c", config).Code == 0
	}, "the doctor finds no problem: its clock is eight hours from the database's wall clock, which is none")
	require.Contains(t, cupid(0, "doctor"), "the newest update_time and the database's clock agree")
	require.Contains(t, cupid(0, "doctor"), "3 process(es) run, none of another version")
	require.Len(t, strings.Split(strings.TrimSpace(cupid(0, "workers")), "\n"), 4, "a heading and three processes")
	require.Contains(t, cupid(0, "row", fleet.Job, "7"), ": EQUAL\n")

	w.Exec(t, "UPDATE db2.user SET name = 'Xyzzy' WHERE number = 'n7'; DELETE FROM db2.user WHERE number = 'n8'")
	row := cupid(1, "row", fleet.Job, "7")
	require.Regexp(t, `(?m)^ ≠ +name +"名 6" +"Xyzzy"$`, row)
	require.Contains(t, cupid(1, "row", fleet.Job, "n8", "--by-column"), ": MISSING: the destination lacks it\n")

	cupid(0, "pause", fleet.Job, "--reason", "the receiver is moved")
	require.Contains(t, cupid(0, "jobs"), "the receiver is moved")
	require.Contains(t, cupid(0, "doctor"), "cupid resume "+fleet.Job)
	cupid(0, "rescan")
	wait(t, 3*time.Second)
	require.Zero(t, w.Receiver.Count(), "it stands still")

	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	cupid(0, "resume", fleet.Job)
	w.WaitUntilSettled(t, 2*time.Minute)
	require.Contains(t, cupid(0, "row", fleet.Job, "7"), ": EQUAL\n")
	require.Contains(t, cupid(0, "row", fleet.Job, "n8", "--by-column"), ": EQUAL\n")

	w.Exec(t, "ALTER TABLE db2.user DROP INDEX number")
	require.Contains(t, cupid(0, "doctor"), "ALTER TABLE `db2`.`user` ADD INDEX (`number`)", "the seed form bears it")
	logs, err := filepath.Glob(filepath.Join(w.Dir, "*.log"))
	require.NoError(t, err)
	require.NotEmpty(t, logs)
	for _, path := range logs {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(text), "Xyzzy", "rows are shown on the terminal only")
	}
}
