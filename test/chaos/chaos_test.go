//go:build chaos

package chaos

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/chaos/checker"
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
	replay := fmt.Sprintf("make chaos CHAOS_SECONDS=%d CHAOS_SEED=%d", seconds, seed)
	fmt.Println("chaos: to repeat this order of faults:", replay)

	redisClock := newClock(t, 0)
	w := fleet.NewWorld(t, redisClock.env(), "LD_PRELOAD="+made.library)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	b := &bed{world: w, network: newNetwork(t, w), disk: newDisk(t), redisClock: redisClock}
	answers := &answers{statuses: map[int]int{}}
	w.Receiver.Watch(answers.note)
	w.Receiver.Behave(receiver(w))
	b.launch(t)
	b.seeThatClocksJump(t)
	fleet.WaitForReady(t, b.processes...)
	traffic := &fleet.Traffic{World: w, Seed: seed, Rows: 1000, Rate: 200, Loss: 0.15, Stale: 0.02, Delay: 100 * time.Millisecond, Hot: 10}
	traffic.Start(t)
	chaos := schedule{t: t, random: rand.New(rand.NewPCG(seed, 0)), faults: b.faults()}
	chaos.run(time.Duration(seconds) * time.Second)
	traffic.Stop()

	// Seen, not lost, closed by evidence: the cursor is at the top, both tables
	// are equal, and nothing is leased, listed or waiting.
	healed := time.Now()
	place := place(w)
	violations := place.Settle(t.Context(), 3*time.Minute+step*time.Second)
	settled := time.Since(healed).Round(time.Second)
	ledger, err := checker.ReadLedger(appendOnlyDir(t, w), "cupid:", fleet.Job)
	require.NoError(t, err)
	posts := checker.CheckPosts(answers.posts(w.Receiver.Received()), chaos.log)
	violations = append(append(violations, ledger.Violations...), posts.Violations...)

	report, calls := traffic.Report(), w.Receiver.Counts("id")
	for id := range report.Owed {
		if calls[callbacktest.Key{ID: id, Type: 1}]+calls[callbacktest.Key{ID: id, Type: 2}] == 0 {
			violations = append(violations, "row "+id+" was lost and not called")
		}
	}
	fmt.Printf("chaos: settled after %s: %d faults; %d rows, %d changes lost, %d rows only a callback could bring; %d POSTs of %d callbacks, %d after an answer; %d claims of %d ranges, %d late, %d falls, %d splits, %d acks; counters %v\n",
		settled, len(chaos.log), report.Rows, report.Lost, len(report.Owed), posts.Posts, posts.Webhooks, posts.Repeated,
		ledger.Claims, ledger.Ranges, ledger.Late, ledger.Falls, ledger.Splits, ledger.Acks, w.Stats(t))
	if len(violations) > 0 {
		b.keep(t, answers, chaos.log)
		t.Fatalf("%d violations, the first: %q\nto repeat: %s", len(violations), violations[:min(len(violations), 10)], replay)
	}
}

// launch starts two schedulers and four workers; the clocks of two are minutes off from the start.
func (b *bed) launch(t *testing.T) {
	t.Helper()
	config := b.world.SeedConfig(t, `"failureJobRetrySecond": 1`, `"slowRetrySecond": 3`, `"verifyDelaySecond": 2`, `"logDir": "`+b.disk.dir+`"`)
	off := map[string]int64{"scheduler-1": -240, "worker-4": 420}
	for i, command := range []string{fleet.Scheduler, fleet.Scheduler, fleet.Worker, fleet.Worker, fleet.Worker, fleet.Worker} {
		name := fleet.Name(command, i+1)
		c := newClock(t, off[name])
		b.clocks = append(b.clocks, c)
		env := b.world.Env("CUPID_LEASE="+lease.String(), "CUPID_JOBS_0_LATE_COMMIT=10s", "CUPID_JOBS_0_RANGE_ROWS=25", c.env())
		b.processes = append(b.processes, fleet.Launch(t, name, env, command, "-c", config))
	}
}

// seeThatClocksJump looks at Redis' clock, and at that of a process whose clock is off from the start.
func (b *bed) seeThatClocksJump(t *testing.T) {
	t.Helper()
	b.redisClock.jump(step)(t)
	at, err := b.world.Redis.Client.Time(t.Context()).Result()
	require.NoError(t, err)
	require.InDelta(t, step, time.Until(at).Seconds(), 5)
	b.redisClock.jump(0)(t)
	ahead := slices.IndexFunc(b.clocks, func(c *clock) bool { return c.base > 0 })
	at = time.Now().Add(time.Duration(b.clocks[ahead].base) * time.Second).UTC()
	eventually.Until(t, time.Minute, func() bool {
		said := b.processes[ahead].Output()
		return strings.Contains(said, at.Format("15:04:")) || strings.Contains(said, at.Add(time.Minute).Format("15:04:"))
	}, "a process has the clock that it was given")
}

// keep writes what the checker needs, and what the processes said, where a person can look at it.
func (b *bed) keep(t *testing.T, a *answers, faults []checker.Fault) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cupid-chaos-*") //nolint:usetesting // it is to outlive the test
	require.NoError(t, err)
	for _, p := range b.processes {
		require.NoError(t, os.WriteFile(filepath.Join(dir, p.Name+".log"), []byte(p.Output()), 0o600))
	}
	writeLines(t, filepath.Join(dir, "posts"), a.posts(b.world.Receiver.Received()))
	writeLines(t, filepath.Join(dir, "faults"), faults)
	require.NoError(t, os.CopyFS(filepath.Join(dir, "aof"), os.DirFS(appendOnlyDir(t, b.world))))
	t.Logf("what the processes said, the posts, the faults and Redis' append-only files are kept in %s", dir)
}

func writeLines[T any](t *testing.T, path string, all []T) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	lines := json.NewEncoder(f)
	for _, one := range all {
		require.NoError(t, lines.Encode(one))
	}
	require.NoError(t, f.Close())
}

func place(w *fleet.World) checker.Place {
	return checker.Place{
		DB: w.DB, Redis: w.Redis.Client, Prefix: "cupid:", Job: fleet.Job, Source: "db.user", Destination: "db2.user",
		Key: "id", By: "number", Columns: []string{"name", "avatar"},
	}
}

func appendOnlyDir(t *testing.T, w *fleet.World) string {
	t.Helper()
	found, err := w.Redis.Client.ConfigGet(t.Context(), "*dir*").Result()
	require.NoError(t, err)
	return filepath.Join(found["dir"], found["appenddirname"])
}

// answers are what the receiver said, by the number of the request.
type answers struct {
	mu       sync.Mutex
	statuses map[int]int
}

func (a *answers) note(n, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.statuses[n] = status
}

func (a *answers) posts(received []callbacktest.Request) []checker.Post {
	a.mu.Lock()
	defer a.mu.Unlock()
	posts := make([]checker.Post, len(received))
	for i, r := range received {
		posts[i] = checker.Post{At: r.At, ID: r.Body.Value("id"), Type: r.Body.Type, Webhook: r.Header.Get("Webhook-Id"), Status: a.statuses[r.N]}
	}
	return posts
}
