//go:build bench

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// callbacks is how many are delivered, from CALLBACKS.
func callbacks(t *testing.T) int {
	t.Helper()
	text := os.Getenv("CALLBACKS")
	if text == "" {
		return 50_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// repairer is a receiver that answers at once and repairs in batches.
type repairer struct {
	*httptest.Server
	far   *mysqltest.Database
	rows  chan [3]string
	posts atomic.Int64
	first atomic.Pointer[time.Time]
	done  sync.WaitGroup
}

func newRepairer(t *testing.T, far *mysqltest.Database) *repairer {
	t.Helper()
	r := &repairer{far: far, rows: make(chan [3]string, 10_000)}
	r.Server = httptest.NewServer(r)
	r.done.Go(func() { r.repair(t) })
	t.Cleanup(func() {
		r.Close()
		close(r.rows)
		r.done.Wait()
	})
	return r
}

func (r *repairer) ServeHTTP(_ http.ResponseWriter, incoming *http.Request) {
	now := time.Now()
	r.first.CompareAndSwap(nil, &now)
	var body struct {
		SrcColumn struct{ ID, Number, Name string } `json:"srcColumn"`
	}
	if json.NewDecoder(incoming.Body).Decode(&body) == nil {
		r.posts.Add(1)
		r.rows <- [3]string{body.SrcColumn.ID, body.SrcColumn.Number, body.SrcColumn.Name}
	}
}

// repair writes what came, up to 500 rows at once.
func (r *repairer) repair(t *testing.T) {
	for row := range r.rows {
		values := []string{value(row)}
		for more := true; more && len(values) < 500; {
			select {
			case next, open := <-r.rows:
				if more = open; open {
					values = append(values, value(next))
				}
			default:
				more = false
			}
		}
		if _, err := r.far.DB.ExecContext(context.WithoutCancel(t.Context()), "REPLACE INTO shop (id,number,name) VALUES "+strings.Join(values, ",")); err != nil {
			t.Error(err)
			return
		}
	}
}

func value(row [3]string) string { return fmt.Sprintf("(%s,'%s','%s')", row[0], row[1], row[2]) }

func count(t *testing.T, db *mysqltest.Database) (n int) {
	t.Helper()
	require.NoError(t, db.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM shop").Scan(&n))
	return n
}

// bareLoop delivers the bodies with a Go client, and waits for their repair.
func bareLoop(t *testing.T, r *repairer, n, concurrency int) time.Duration {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: concurrency}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range concurrency {
		all.Go(func() {
			for id := next.Add(1); id <= int64(n); id = next.Add(1) {
				body := fmt.Appendf(nil, `{"type":1,"srcColumn":{"id":"%d","number":"n%d","name":"name of %d"}}`, id, id, id)
				answer, err := client.Post(r.URL, "application/json", bytes.NewReader(body)) //nolint:noctx // it ends with the receiver
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
		})
	}
	all.Wait()
	eventually.Until(t, time.Minute, func() bool { return count(t, r.far) == n }, "the bare loop's rows are there")
	return time.Since(began)
}

// TestDelivery measures open callbacks until all are delivered, repaired, read
// equal and closed, beside a bare loop over the same receiver.
func TestDelivery(t *testing.T) {
	const concurrency, workers = 16, 2
	n := callbacks(t)
	server := mysqltest.Shared(t)
	source, far := server.Database(t), server.Database(t)
	for _, side := range []*mysqltest.Database{source, far} {
		side.Exec(t, "CREATE TABLE shop (id BIGINT UNSIGNED PRIMARY KEY, number VARCHAR(32) NOT NULL UNIQUE, name VARCHAR(64) NOT NULL)")
	}
	source.Exec(t, fmt.Sprintf("INSERT INTO shop SELECT seq, CONCAT('n', seq), CONCAT('name of ', seq) FROM seq_1_to_%d", n))
	r := newRepairer(t, far)
	bare := bareLoop(t, r, n, workers*concurrency)
	far.Exec(t, "TRUNCATE shop")
	r.first.Store(nil)
	r.posts.Store(0)

	redis := redistest.Start(t, redistest.Options{AOF: true})
	path := filepath.Join(t.TempDir(), "delivery.yaml")
	text := fmt.Sprintf(`
redis: {addr: %q}
log: {level: warn}
worker: {comparers: 2}
jobs:
  - name: bench
    source: {dsn: %q, table: shop, byColumn: number}
    lateCommit: 1h
    confirmDelay: %ds
    maxCallbacks: %d
    destinations:
      - {dsn: %q, table: shop, columns: [id, number, name], callback: {url: %q, concurrency: %d, verifyDelay: 1s}}
`, redis.Addr, source.DSN, 5+n/5000, 2*n, far.DSN, r.URL, concurrency)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	fleet.Launch(t, "scheduler", nil, fleet.Scheduler, "-c", path)
	var all []*fleet.Process
	for i := range workers {
		all = append(all, fleet.Launch(t, fleet.Name("worker", i+1), nil, fleet.Worker, "-c", path))
	}
	open := func() int {
		found := redis.Client.Eval(t.Context(), `local n = 0
for _, k in ipairs({'confirm','verify','retry','slow','leased'}) do n = n + redis.call('ZCARD', 'cupid:{bench}:callbacks:' .. k) end
return n + redis.call('LLEN', KEYS[1])`, []string{"cupid:{bench}:callbacks:" + farName(far)})
		opened, err := found.Int()
		require.NoError(t, err)
		return opened
	}
	eventually.Until(t, 10*time.Minute, func() bool { return open() == n || r.posts.Load() > 0 }, "all callbacks are open")
	require.Zero(t, r.posts.Load(), "not all were open before the first was due: raise confirmDelay")
	memory := redis.Client.Info(t.Context(), "memory").Val()
	eventually.Until(t, 10*time.Minute, func() bool { return r.posts.Load() > 0 }, "the first is sent")
	before := counters(t, redis, source)
	eventually.Until(t, 30*time.Minute, func() bool {
		time.Sleep(50 * time.Millisecond) // a closer look would take from what is measured
		return open() == 0
	}, "all callbacks are closed")
	took := time.Since(*r.first.Load())
	after := counters(t, redis, source)
	require.Equal(t, n, count(t, far))
	cpu := time.Duration(0)
	for _, w := range all {
		cpu += cpuTime(t, w.PID())
	}
	perSecond := func(d time.Duration) string { return fmt.Sprintf("%.0f/s", float64(n)/d.Seconds()) }
	t.Logf("\n%d callbacks, %d workers, %d POSTs at once each; MariaDB, Redis (AOF), receiver and workers share the machine.\n\n"+
		"| figure | measured |\n| --- | --- |\n"+
		"| bare loop: POST and repair | %s |\n| delivered, repaired, read equal and closed | %s |\n| ratio | %.2f |\n| POSTs | %d |\n"+
		"| scripts run in Redis per callback | %.2f |\n| queries per callback | %.3f |\n| CPU of the workers per callback | %.0f µs |\n| memory in Redis per open callback | %.0f bytes |\n",
		n, workers, concurrency, perSecond(bare), perSecond(took), bare.Seconds()/took.Seconds(), r.posts.Load(),
		float64(after.scripts-before.scripts)/float64(n), float64(after.selects-before.selects)/float64(n),
		float64(cpu.Microseconds())/float64(n), float64(usedMemory(t, memory))/float64(n))
}

// farName is the destination's own name.
func farName(far *mysqltest.Database) string { return far.Name + ".shop" }

type counted struct{ scripts, selects int64 }

func counters(t *testing.T, redis *redistest.Server, source *mysqltest.Database) (c counted) {
	t.Helper()
	stats := redis.Client.Info(t.Context(), "commandstats").Val()
	for line := range strings.Lines(stats) {
		for _, name := range []string{"cmdstat_evalsha:calls=", "cmdstat_eval:calls="} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				var n int64
				_, err := fmt.Sscanf(rest, "%d", &n)
				require.NoError(t, err)
				c.scripts += n
			}
		}
	}
	var name string
	require.NoError(t, source.DB.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Com_select'").Scan(&name, &c.selects))
	return c
}

func usedMemory(t *testing.T, info string) (n int64) {
	t.Helper()
	for line := range strings.Lines(info) {
		if rest, ok := strings.CutPrefix(line, "used_memory_dataset:"); ok {
			_, err := fmt.Sscanf(rest, "%d", &n)
			require.NoError(t, err)
		}
	}
	return n
}

// cpuTime is what a process has used, in user and system mode.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	var ticks time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		require.NoError(t, err)
		ticks += time.Duration(n)
	}
	return ticks * time.Second / 100
}
