//go:build e2e

package e2e

import (
	"context"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// leaseBatch is how many callbacks a worker leases at once: what one kill may repeat.
const leaseBatch = 200

func TestKilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	const seed = 2
	w.Receiver.Behave(callbacktest.FailRate(seed, 0.1, http.StatusInternalServerError, callbacktest.Repair(w.Repair)))
	config := w.SeedConfig(t, `"failureJobRetrySecond": 1`, `"slowRetrySecond": 3`, `"verifyDelaySecond": 2`)
	processes := launch(t, w, config, 2, 3, "CUPID_LEASE=10s")
	fleet.WaitForReady(t, processes...)

	traffic := &fleet.Traffic{World: w, Seed: seed, Rows: 1000, Rate: 300, Loss: 0.1, Delay: 100 * time.Millisecond}
	traffic.Start(t)
	random := rand.New(rand.NewPCG(seed, seed))
	kills := 0
	for began := time.Now(); time.Since(began) < 20*time.Second; kills++ {
		p := processes[random.IntN(len(processes))]
		p.Kill(t)
		wait(t, time.Duration(random.IntN(1000))*time.Millisecond)
		p.Start(t)
		wait(t, time.Duration(random.IntN(1500))*time.Millisecond)
	}
	traffic.Stop()
	w.WaitUntilSettled(t, 2*time.Minute)

	report, calls, stats := traffic.Report(), called(w), w.Stats(t)
	lost := lostLeases(processes)
	t.Logf("%d kills, %d changes lost, %d owed, %d very late, %d leases lost; %d rows called with %d POSTs; counters %v",
		kills, report.Lost, len(report.Owed), report.Late, lost, len(calls), w.Receiver.Count(), stats)
	for id := range report.Owed {
		require.NotEmpty(t, calls[id], "row %s was lost and not called", id)
	}
	bound := report.Lost + report.Late + stats["failed"] + stats["unanswered"] + stats["no_effect"] + lost + kills*leaseBatch
	require.LessOrEqual(t, w.Receiver.Count(), bound)
}

var endedLeases = regexp.MustCompile(`leases ended without an answer.* callbacks=(\d+)`)

// lostLeases is how many leases of callbacks ended without an answer, as the reclaimers said.
func lostLeases(processes []*fleet.Process) int {
	n := 0
	for _, p := range processes {
		for _, said := range endedLeases.FindAllStringSubmatch(p.Output(), -1) {
			ended, _ := strconv.Atoi(said[1])
			n += ended
		}
	}
	return n
}

func TestSIGTERMHandsWorkBackInTime(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 50_000)
	w.Receiver.Behave(callbacktest.HangRate(1, 0.3, func(int, callbacktest.Body) callbacktest.Reply {
		return callbacktest.Reply{Delay: 50 * time.Millisecond}
	}))
	config := w.SeedConfig(t)
	processes := launch(t, w, config, 2, 3)
	w.Receiver.WaitFor(t, 30, time.Minute)

	began := time.Now()
	for _, p := range processes {
		p.Terminate(t)
	}
	for _, p := range processes {
		require.Zero(t, p.Ended(t, 10*time.Second), "exit code of %s", p.Name)
	}
	took := time.Since(began)
	t.Logf("all ended after %s", took.Round(time.Millisecond))
	require.Less(t, took, stopLimit)
	requireHandedBack(t, w)
}

func requireHandedBack(t *testing.T, w *fleet.World) {
	t.Helper()
	for _, leased := range []string{"ranges:leased", "callbacks:leased"} {
		n, err := w.Redis.Client.ZCard(t.Context(), fleet.Key(leased)).Result()
		require.NoError(t, err)
		require.Zero(t, n, leased)
	}
	open, err := w.Open(t.Context())
	require.NoError(t, err)
	items := 0
	for _, key := range open {
		if attempts := w.Redis.Client.HGet(t.Context(), key, "attempts").Val(); attempts != "" {
			require.Equal(t, "0", attempts, key)
			items++
		}
	}
	require.Greater(t, items, 30)
	locked, err := w.Redis.Client.Exists(context.Background(), fleet.Key("lock")).Result()
	require.NoError(t, err)
	require.Zero(t, locked, "the lead was given up")
}

func TestServersThatAreDownAtStartAreWaitedFor(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(w *fleet.World) (stop, start func(testing.TB)){
		"database": func(w *fleet.World) (stop, start func(testing.TB)) { return w.MySQL.Stop, w.MySQL.Restart },
		"redis":    func(w *fleet.World) (stop, start func(testing.TB)) { return w.Redis.Stop, w.Redis.Restart },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fleet.NewWorld(t)
			w.Fill(t, 1, 100)
			w.Receiver.Behave(callbacktest.Repair(w.Repair))
			stop, start := server(w)
			stop(t)
			processes := launch(t, w, w.SeedConfig(t, `"verifyDelaySecond": 1`), 1, 1)
			for _, p := range processes {
				p.WaitForStatus(t, "/livez", http.StatusOK, time.Minute)
				p.WaitForStatus(t, "/readyz", http.StatusServiceUnavailable, time.Minute)
				eventually.Until(t, time.Minute, func() bool {
					_, why := p.Get("/readyz")
					return regexp.MustCompile(name).MatchString(why)
				}, "readiness says what is missing")
				p.WaitForOutput(t, "waiting for a server", time.Minute)
			}
			start(t)
			fleet.WaitForReady(t, processes...)
			w.WaitUntilSettled(t, time.Minute)
			require.Equal(t, 100, w.Receiver.Count())
		})
	}
}

func TestOneBadJobOfManyDoesNotHinderTheOthers(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 100)
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	config := jobForm(w) + `
  - name: missing-table
    source: {dsn: "` + w.DSN("db") + `", table: nowhere, byColumn: number}
    destinations: [{dsn: "` + w.DSN("db2") + `", table: user, columns: [name], callback: {url: "` + w.Receiver.URL + `"}}]
  - name: bad-config
    source: {dsn: "` + w.DSN("db") + `", table: user}
`
	processes := launch(t, w, w.File(t, "jobs.yaml", config), 1, 1)
	w.WaitUntilSettled(t, time.Minute)
	require.Equal(t, 100, w.Receiver.Count())
	for _, p := range processes {
		require.Contains(t, p.Output(), "missing-table")
		require.Contains(t, p.Output(), "db.nowhere")
		require.Contains(t, p.Output(), "bad-config")
		require.Contains(t, p.Output(), "byColumn")
		status, why := p.Get("/readyz")
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Contains(t, why, "missing-table")
	}
}
