//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestCatchUp measures a fleet that begins at the first row: a scheduler and two
// workers, until every damaged row was called back.
func TestCatchUp(t *testing.T) {
	b := newTables(t)
	var figures []figure
	for _, c := range []struct{ what, destination, columns, bare string }{
		{"catch-up, key aligned, 1 scheduler + 2 workers", "db2", "id: id, number: number, name: name, avatar: avatar", "id, number, name, avatar"},
		{"catch-up, related by a text column, 1 scheduler + 2 workers", "db3", "number: number, name: name, avatar: avatar", "number, name, avatar"},
	} {
		limit := b.bare(t, c.destination+".user", c.bare)
		took, memory := b.catchUp(t, c.destination, c.columns)
		figures = append(figures, figure{c.what, seconds(took), seconds(limit), ratio(took, limit), megabytes(memory) + " a worker"})
	}
	report(t, b.rows, figures)
}

// catchUp gives the time until all callbacks had come, and the greatest memory of a worker.
func (b *tables) catchUp(t *testing.T, destination, columns string) (time.Duration, int64) {
	t.Helper()
	redis := redistest.Start(t, redistest.Options{})
	var mu sync.Mutex
	called := map[string]bool{}
	receiver := callbacktest.New(t, func(_ int, body callbacktest.Body) callbacktest.Reply {
		mu.Lock()
		defer mu.Unlock()
		called[body.Value("id")] = true
		return callbacktest.Reply{}
	})
	path := filepath.Join(t.TempDir(), "catchup.yaml")
	text := fmt.Sprintf(`
redis: {addr: %q}
log: {level: warn}
worker: {comparers: 2}
jobs:
  - name: bench
    source: {dsn: %q, table: user, byColumn: number}
    insert: {enabled: true}
    update: {enabled: false}
    destinations:
      - {dsn: %q, table: user, byColumn: number, columns: {%s}, callback: {url: %q, verifyDelay: 10m}}
`, redis.Addr, b.server.DSN("db"), b.server.DSN(destination), columns, receiver.URL+"/callback")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))

	fleet.Command(t, nil, fleet.Worker) // built outside the measured time
	began := time.Now()
	fleet.Launch(t, "scheduler", nil, fleet.Scheduler, "-c", path)
	var workers []*fleet.Process
	for n := range 2 {
		workers = append(workers, fleet.Launch(t, fleet.Name("worker", n+1), nil, fleet.Worker, "-c", path))
	}
	eventually.Until(t, 30*time.Minute, func() bool {
		for _, w := range workers {
			require.True(t, w.Running(), "a worker has ended: %s", w.Output())
		}
		mu.Lock()
		defer mu.Unlock()
		return len(called) == b.damaged()
	}, "every damaged row is called back")
	took := time.Since(began)
	most := int64(0)
	for _, w := range workers {
		most = max(most, peakMemory(t, w.PID()))
	}
	return took, most
}

// peakMemory is the kernel's high-water mark of a process' resident memory.
func peakMemory(t testing.TB, pid int) int64 { t.Helper(); return memory(t, pid, "VmHWM:") }

// memoryNow is a process' resident memory.
func memoryNow(t testing.TB, pid int) int64 { t.Helper(); return memory(t, pid, "VmRSS:") }

func memory(t testing.TB, pid int, line string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, line); ok {
			var kb int64
			_, err := fmt.Sscan(rest, &kb)
			require.NoError(t, err)
			return kb << 10
		}
	}
	return 0
}
