//go:build bench

package bench

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// distance is added to every answer of the database.
const distance = 20 * time.Millisecond

// TestScaling measures the rate of 1, 2, 4 and 8 workers whose database is far
// away, over rows that are equal.
func TestScaling(t *testing.T) {
	b := newTables(t)
	address := farAway(t, b.server.Addr)
	for _, c := range []struct{ what, destination, columns string }{
		{"key aligned", "db2", "id: id, number: number, name: name, avatar: avatar"},
		{"related by a text column", "db3", "number: number, name: name, avatar: avatar"},
	} {
		var lines strings.Builder
		one := 0.0
		for _, workers := range []int{1, 2, 4, 8} {
			rate := b.rate(t, address, c.destination, c.columns, workers)
			if workers == 1 {
				one = rate
			}
			fmt.Fprintf(&lines, "| %d | %.0f | %.2f × |\n", workers, rate, rate/one)
		}
		t.Logf("\n%s, %s to the database, %d rows, one range at a time per worker:\n\n| workers | rows a second | of one worker |\n| --- | --- | --- |\n%s", c.what, distance, b.rows, lines.String())
	}
}

// farAway is an address at which the server is as well, but further away.
func farAway(t *testing.T, address string) string {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(server, "database", "127.0.0.1:0", address)
	require.NoError(t, p.Start())
	t.Cleanup(p.Stop)
	_, err := p.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"type":"latency","stream":"downstream","attributes":{"latency":%d}}`, distance.Milliseconds())))
	require.NoError(t, err)
	return p.Listen
}

// rate is how many rows a second so many workers compare, from a tenth of the
// rows to nine tenths.
func (b *tables) rate(t *testing.T, address, destination, columns string, workers int) float64 {
	t.Helper()
	redis := redistest.Start(t, redistest.Options{})
	dsn := func(database string) string {
		return strings.Replace(b.server.DSN(database), b.server.Addr, address, 1)
	}
	path := filepath.Join(t.TempDir(), "scaling.yaml")
	text := fmt.Sprintf(`
redis: {addr: %q}
log: {level: warn}
worker: {comparers: 1}
jobs:
  - name: bench
    source: {dsn: %q, table: user, byColumn: number}
    insert: {enabled: true}
    destinations: [{dsn: %q, byColumn: number, columns: {%s}, callback: off}]
`, redis.Addr, dsn("db"), dsn(destination), columns)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	running := []*fleet.Process{fleet.Launch(t, "scheduler", nil, fleet.Scheduler, "-c", path)}
	claimed := func() bool {
		n, err := redis.Client.LLen(t.Context(), fleetKey("ranges")).Result()
		return err == nil && n >= int64(min(b.rows/10_000, 900))
	}
	eventually.Until(t, time.Minute, claimed, "all ranges are claimed")
	for n := range workers {
		running = append(running, fleet.Launch(t, fleet.Name("worker", n+1), nil, fleet.Worker, "-c", path))
	}
	done := func() int {
		n, _ := redis.Client.HGet(t.Context(), fleetKey("stats"), "rows").Int()
		return n
	}
	at := func(share float64) (time.Time, int) {
		var rows int
		eventually.Until(t, 20*time.Minute, func() bool { rows = done(); return float64(rows) >= share*float64(b.rows) }, "the rows are compared")
		return time.Now(), rows
	}
	began, first := at(0.1)
	ended, last := at(0.9)
	for _, p := range running {
		p.Kill(t)
	}
	return float64(last-first) / ended.Sub(began).Seconds()
}

func fleetKey(name string) string { return "cupid:{bench}:" + name }

// TestIdle measures what a fleet costs that has nothing to do: 100 jobs (JOBS) with
// callbacks, a scheduler and two workers. The minute contains all that is done once a minute.
func TestIdle(t *testing.T) {
	const quiet = time.Minute
	jobs := setting(t, "JOBS", 100)
	server := mysqltest.Start(t, mysqltest.Options{})
	source, far := server.Database(t), server.Database(t)
	redis := redistest.Start(t, redistest.Options{})
	var text strings.Builder
	const nobody = "http://127.0.0.1:9/none" // is ever called: both sides are equal
	fmt.Fprintf(&text, "redis: {addr: %q}\ndefaults: {insert: {enabled: true}, update: {enabled: true, column: changed}}\njobs:\n", redis.Addr)
	for n := range jobs {
		for _, d := range []*mysqltest.Database{source, far} {
			d.Exec(t, fmt.Sprintf("CREATE TABLE t%d (id INT PRIMARY KEY, name VARCHAR(40), changed DATETIME NOT NULL, KEY (changed)); INSERT INTO t%[1]d VALUES (1, 'a', NOW())", n))
		}
		fmt.Fprintf(&text, "  - {source: {dsn: %q, table: t%d, byColumn: id}, destinations: [{dsn: %q, columns: [id, name], callback: {url: %q}}]}\n", source.DSN, n, far.DSN, nobody)
	}
	path := filepath.Join(t.TempDir(), "idle.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
	started := time.Now()
	processes := []*fleet.Process{fleet.Launch(t, "scheduler", nil, fleet.Scheduler, "-c", path)}
	for n := range 2 {
		processes = append(processes, fleet.Launch(t, fleet.Name("worker", n+1), nil, fleet.Worker, "-c", path))
	}
	for _, p := range processes {
		p.WaitForStatus(t, "/readyz", http.StatusOK, time.Minute+time.Duration(jobs)*200*time.Millisecond)
	}
	ready := time.Since(started)
	time.Sleep(2*time.Minute + time.Duration(jobs)*100*time.Millisecond) // the late passes are over, the polls back off
	before := make([]time.Duration, len(processes))
	for i, p := range processes {
		before[i] = cpu(t, p.PID())
	}
	began := time.Now()
	sent := monitored(t, redis.Addr)
	time.Sleep(quiet)
	commands := sent()
	took := time.Since(began)
	var lines strings.Builder
	for i, p := range processes {
		name := "worker"
		if i == 0 {
			name = "scheduler"
		}
		fmt.Fprintf(&lines, "| %s | %.1f %% of a core | %s |\n", name, 100*(cpu(t, p.PID())-before[i]).Seconds()/took.Seconds(), megabytes(memoryNow(t, p.PID())))
	}
	t.Logf("\n%d jobs with insert and update scans every 2 s and nothing to do:\n\n| process | CPU | memory |\n| --- | --- | --- |\n%s\nCommands sent to Redis: %.0f a second. Ready after %s.", jobs, lines.String(), float64(commands)/took.Seconds(), seconds(ready))
}

// cpu is what a process has used so far.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), ") ")
	require.True(t, found)
	fields := strings.Fields(rest)
	const ticks = 100 // a second, on Linux
	used := 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		require.NoError(t, err)
		used += n
	}
	return time.Duration(used) * time.Second / ticks
}

// monitored counts the commands that clients send to Redis, without those of
// scripts, until stop is called.
func monitored(t *testing.T, address string) (stop func() int) {
	t.Helper()
	conn, err := net.Dial("tcp", address) //nolint:noctx // stop closes it
	require.NoError(t, err)
	_, err = conn.Write([]byte("MONITOR\r\n"))
	require.NoError(t, err)
	counted := make(chan int, 1)
	go func() {
		n := 0
		lines := bufio.NewScanner(conn)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if !strings.Contains(lines.Text(), " lua] ") {
				n++
			}
		}
		counted <- n
	}()
	return func() int {
		_ = conn.Close()
		return <-counted
	}
}
