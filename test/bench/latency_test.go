//go:build bench

package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// A thousand rows are inserted a second, in pieces, and arrive at once but for
// one in forty.
const (
	insertEvery = 20 * time.Millisecond
	inserted    = 20
	lostOf      = 2 // pieces: one row of every other
)

// TestDeliveryLatency measures the time from the loss of a row to its callback.
func TestDeliveryLatency(t *testing.T) {
	var lines [][2]string
	for _, c := range []struct {
		what, scans string
		updates     bool
	}{
		{"a lost insert, insert scan every 2 s", "insert: {enabled: true, every: 2s}", false},
		{"a lost update, update scan every 2 s on a column of whole seconds", "insert: {enabled: false}, update: {enabled: true, every: 2s, column: changed}", true},
	} {
		waits := latencies(t, c.scans, c.updates)
		at := func(share float64) string { return seconds(waits[int(share*float64(len(waits)-1))]) }
		lines = append(lines, [2]string{c.what, fmt.Sprintf("p50 %s, p99 %s, at most %s (%d rows)", at(0.5), at(0.99), at(1), len(waits))})
	}
	table(t, fmt.Sprintf("From the loss of a row to its callback, with a confirmDelay of 1 s and %d inserts a second beside it.", inserted*int(time.Second/insertEvery)), lines)
}

// latencies are the times that lost rows wait for their callback, in order.
func latencies(t *testing.T, scans string, updates bool) []time.Duration {
	t.Helper()
	server := mysqltest.Shared(t)
	source, far := server.Database(t), server.Database(t)
	for _, side := range []*mysqltest.Database{source, far} {
		side.Exec(t, `CREATE TABLE shop (id BIGINT UNSIGNED PRIMARY KEY, number VARCHAR(32) NOT NULL UNIQUE, name VARCHAR(64) NOT NULL,
			changed DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY (changed))`)
	}
	r := newRepairer(t, far, "shop", 0)
	r.first = map[string]time.Time{}
	w := writer{t: t, source: source, far: far, updates: updates, lost: map[string]time.Time{}}
	w.insert(2000)
	redis := redistest.Start(t, redistest.Options{AOF: true})
	path := filepath.Join(t.TempDir(), "latency.yaml")
	text := fmt.Sprintf(`
redis: {addr: %q}
log: {level: warn}
defaults: {%s}
jobs:
  - name: bench
    source: {dsn: %q, table: shop, byColumn: number}
    destinations:
      - {dsn: %q, table: shop, columns: [id, number, name], callback: {url: %q}}
`, redis.Addr, scans, source.DSN, far.DSN, r.URL)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	processes := []*fleet.Process{fleet.Launch(t, "scheduler", nil, fleet.Scheduler, "-c", path)}
	for i := range workers {
		processes = append(processes, fleet.Launch(t, fleet.Name("worker", i+1), nil, fleet.Worker, "-c", path))
	}
	fleet.WaitForReady(t, processes...)

	// The first seconds are those of a start.
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second+span(t)*3/2)
	defer stop()
	began := time.Now().Add(5 * time.Second)
	var writing sync.WaitGroup
	writing.Go(func() { w.run(ctx) })
	writing.Wait()
	eventually.Until(t, 30*time.Second, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.first) >= len(w.lost)
	}, "every lost row is called back")
	for _, p := range processes {
		p.Kill(t)
	}
	require.Len(t, r.first, len(w.lost), "no row is called back that was not lost")
	var waits []time.Duration
	for name, at := range w.lost {
		if at.After(began) {
			waits = append(waits, r.first[name].Sub(at))
		}
	}
	slices.Sort(waits)
	return waits
}

// writer is an application and the pipeline that loses some of its changes.
type writer struct {
	t           *testing.T
	source, far *mysqltest.Database
	updates     bool // are lost, not inserts
	last        int  // id
	updated     int  // id of the last
	lost        map[string]time.Time
}

func (w *writer) run(ctx context.Context) {
	tick := time.NewTicker(insertEvery)
	defer tick.Stop()
	for turn := 1; ctx.Err() == nil; turn++ {
		switch {
		case turn%lostOf != 0:
			w.insert(inserted)
		case w.updates:
			w.updated++
			name := fmt.Sprintf("changed %d", w.updated)
			w.lost[name] = time.Now()
			w.exec(w.source, fmt.Sprintf("UPDATE shop SET name = '%s' WHERE id = %d", name, w.updated))
			w.insert(inserted)
		default:
			w.last++
			row := row(w.last)
			w.lost[row[2]] = time.Now()
			w.exec(w.source, "INSERT INTO shop (id, number, name) VALUES "+value(row))
			w.insert(inserted - 1)
		}
		<-tick.C
	}
}

// insert writes rows on both sides.
func (w *writer) insert(n int) {
	var values []string
	for range n {
		w.last++
		values = append(values, value(row(w.last)))
	}
	for _, side := range []*mysqltest.Database{w.source, w.far} {
		w.exec(side, "INSERT INTO shop (id, number, name) VALUES "+strings.Join(values, ","))
	}
}

func row(id int) [3]string {
	return [3]string{fmt.Sprint(id), fmt.Sprintf("n%d", id), fmt.Sprintf("name of %d", id)}
}

func (w *writer) exec(side *mysqltest.Database, statement string) {
	if _, err := side.DB.ExecContext(context.WithoutCancel(w.t.Context()), statement); err != nil {
		w.t.Error(err)
	}
}
