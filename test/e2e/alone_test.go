//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// status is what a script takes from `cupid status --json`.
type status struct {
	Jobs []struct {
		Name    string            `json:"name"`
		Cursors map[string]string `json:"cursors"`
		Depths  map[string]int    `json:"depths"`
		Stats   map[string]int    `json:"stats"`
	} `json:"jobs"`
	Processes []struct {
		Role string `json:"role"`
	} `json:"processes"`
}

func askStatus(t *testing.T, args ...string) status {
	t.Helper()
	r := fleet.Run(t, nil, fleet.Cupid, append([]string{"status", "--json"}, args...)...)
	require.Zero(t, r.Code, r.Stderr)
	var s status
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &s))
	return s
}

func TestCupidAloneKeepsItsStateOverAStopAndAKill(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	w.Exec(t, "UPDATE db.user SET update_time = NOW() - INTERVAL 1 DAY") // the update scan has nothing to do
	w.Exec(t, "DELETE d FROM db2.user d JOIN db.user s USING (number) WHERE s.id % 20 = 0")
	path := w.File(t, "seed.json", w.Seed(`"failureJobRetrySecond": 1`, `"slowRetrySecond": 1`, `"verifyDelaySecond": 1`))
	w.Receiver.Behave(callbacktest.Always(http.StatusInternalServerError))

	cupid := fleet.Launch(t, "cupid", w.Env("CUPID_JOBS_0_LATE_COMMIT=1h"), fleet.Cupid, "-c", path, "-s", "1")
	w.Receiver.WaitFor(t, 5, time.Minute) // then its breaker opens, and most of the fifty wait
	eventually.Until(t, time.Minute, func() bool { return askStatus(t, "--addr", cupid.Addr).Jobs[0].Stats["rows"] == 1000 }, "all is compared")
	s := askStatus(t, "--addr", cupid.Addr)
	require.Equal(t, "1000", s.Jobs[0].Cursors["insert:"+fleet.Job])
	cupid.Terminate(t)
	require.Zero(t, cupid.Ended(t, 10*time.Second))

	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	cupid.Start(t)
	waitUntilEqual(t, w, cupid)
	require.Contains(t, cupid.Output(), "the start id is ignored")

	// What the saved picture holds outlasts a kill as well.
	w.Receiver.Behave(callbacktest.Always(http.StatusInternalServerError))
	w.Fill(t, 1001, 10)
	waitUntilSaved(t, w, fleet.Job+":1010")
	cupid.Kill(t)
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	cupid.Start(t)
	waitUntilEqual(t, w, cupid)
	stats := askStatus(t, "--addr", cupid.Addr).Jobs[0].Stats
	require.Less(t, stats["rows"], 1000+100, "nothing was read from the first row again")
	calls := w.Receiver.Counts("id")
	require.Len(t, calls, 50+10, "every row was called")
	for key := range calls {
		require.Equal(t, 1, key.Type)
	}
	require.Greater(t, w.Receiver.Count(), 60, "what failed was called again")
	operate(t, cupid)
}

// waitUntilEqual waits until both tables are equal and no callback is open.
func waitUntilEqual(t *testing.T, w *fleet.World, p *fleet.Process) {
	t.Helper()
	var differing []string
	var open map[string]int
	equal := eventually.Holds(time.Minute, func() bool {
		if differing = w.Differing(t); len(differing) > 0 {
			return false
		}
		open = askStatus(t, "--addr", p.Addr).Jobs[0].Depths
		// Samples are no work yet: the late pass takes them up much later here.
		maps.DeleteFunc(open, func(name string, n int) bool { return n == 0 || name == "samples" })
		return len(open) == 0
	})
	require.True(t, equal, "rows %v differ, open is %v", differing, open)
}

// waitUntilSaved waits until the state file names a callback.
func waitUntilSaved(t *testing.T, w *fleet.World, id string) {
	t.Helper()
	eventually.Until(t, time.Minute, func() bool {
		saved, err := os.ReadFile(filepath.Join(w.Dir, "cupid-"+fleet.Job+".state.json"))
		require.NoError(t, err)
		return strings.Contains(string(saved), id)
	}, "the state file holds "+id)
}

// operate tries the operator's commands on a running process.
func operate(t *testing.T, p *fleet.Process) {
	t.Helper()
	health := fleet.Run(t, nil, fleet.Cupid, "health", "--addr", p.Addr)
	require.Zero(t, health.Code)
	require.Contains(t, health.Stdout, p.Addr+": alive and ready")
	shown := fleet.Run(t, nil, fleet.Cupid, "status", "--addr", p.Addr)
	require.Zero(t, shown.Code)
	require.Contains(t, shown.Stdout, "job "+fleet.Job)
	require.Contains(t, shown.Stdout, "cursor insert:"+fleet.Job)
	for _, command := range []string{fleet.Cupid, fleet.Scheduler, fleet.Worker} {
		version := fleet.Run(t, nil, command, "version").Stdout
		require.Regexp(t, `^`+command+` \S+ \(commit \w+, .+, go1\S* \w+/\w+\)\n$`, version)
		require.Equal(t, version, fleet.Run(t, nil, command, "--version").Stdout)
	}

	p.Terminate(t)
	require.Zero(t, p.Ended(t, 10*time.Second))
	health = fleet.Run(t, nil, fleet.Cupid, "health", "--addr", p.Addr)
	require.Equal(t, 1, health.Code)
	require.Contains(t, health.Stdout, "does not answer")
}

var processID = regexp.MustCompile(`process=(\S+)`)

func TestEveryProcessHasALogFileOfItsOwn(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	config := w.SeedConfig(t)
	fleet.WaitForReady(t, launch(t, w, config, 1, 2)...)

	files, err := filepath.Glob(filepath.Join(w.Dir, "*.log"))
	require.NoError(t, err)
	var names []string
	writers := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), "starting")
		names = append(names, filepath.Base(file))
		for _, id := range processID.FindAllStringSubmatch(string(text), -1) {
			writers[filepath.Base(file)+" "+id[1]] = true
		}
	}
	require.ElementsMatch(t, []string{"cupid-scheduler-db.user.log", "cupid-worker-db.user.log", "cupid-worker-db.user-2.log"}, names)
	require.Len(t, writers, len(names), "one process a file: %v", writers)

	health := fleet.Run(t, nil, fleet.Cupid, "health", "-c", config)
	require.Zero(t, health.Code, health.Stdout)
	require.Len(t, strings.Split(strings.TrimSpace(health.Stdout), "\n"), 3)
	s := askStatus(t, "-c", config)
	require.Equal(t, fleet.Job, s.Jobs[0].Name)
	require.Len(t, s.Processes, 3)
}

func TestHolesInTheIDsCostAQueryAndNotARange(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.Exec(t, "INSERT INTO db.user (id, number, name) SELECT 7000000000000000000 + id * 4194304, CONCAT('s', id), 'snowflake' FROM db.user")
	w.Fill(t, 100_000_000_000, 1000)
	w.Exec(t, "INSERT INTO db.user (id, number, name) VALUES (18446744073709551615, 'last', 'the greatest id')")
	w.Exec(t, "UPDATE db.user SET update_time = NOW() - INTERVAL 1 DAY")
	w.CopyAll(t)
	w.Exec(t, "DELETE d FROM db2.user d JOIN db.user s USING (number) WHERE s.id % 100 = 15")
	missing := len(w.Differing(t))
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	launch(t, w, w.SeedConfig(t, `"verifyDelaySecond": 1`), 1, 2)
	w.WaitUntilSettled(t, 30*time.Second)
	require.Equal(t, missing, w.Receiver.Count())
	require.LessOrEqual(t, w.Stats(t)["ranges"], 20)
}
