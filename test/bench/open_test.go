//go:build bench

package bench

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestOpenCallbacks measures what so many open callbacks (OPEN) take in Redis, while they wait and while their receiver
// refuses connections, and whether any command was slow meanwhile, also when the receiver is back.
func TestOpenCallbacks(t *testing.T) {
	n := setting(t, "OPEN", 1_000_000)
	db := mysqltest.Start(t, mysqltest.Options{ExtraArgs: []string{"--innodb-buffer-pool-size=2G", "--max-connections=300"}})
	d := db.Database(t)
	for _, statement := range []string{
		"CREATE DATABASE db", "CREATE DATABASE db2",
		fmt.Sprintf(shop, "db.user"), fmt.Sprintf(shop, "db2.user"),
		fmt.Sprintf("INSERT INTO db.user SELECT seq, CONCAT('n', seq), CONCAT('name of ', seq) FROM seq_1_to_%d", n),
	} {
		d.Exec(t, statement)
	}
	server := redistest.Start(t, redistest.Options{AOF: true, ExtraArgs: []string{"--slowlog-log-slower-than", "10000", "--slowlog-max-len", "10000"}})
	// Redis has the processor before all that share it, as on a host of its own: else a command takes as long as those run.
	pid := number(t, server.Client.Info(t.Context(), "server").Val(), "process_id:")
	if said, err := exec.CommandContext(t.Context(), "renice", "-n", "-20", "-p", strconv.FormatInt(pid, 10)).CombinedOutput(); err != nil {
		t.Logf("redis has no precedence over the others: %v: %s", err, said)
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close()) // connections are refused
	dsn := mysqltest.User + ":" + mysqltest.Password + "@tcp(" + db.Addr + ")/"
	path := filepath.Join(t.TempDir(), "open.yaml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `
redis: {addr: %q}
log: {level: warn}
worker: {comparers: 2}
jobs:
  - name: db.user
    source: {dsn: %q, table: user, byColumn: number}
    lateCommit: 1h
    confirmDelay: %ds
    maxCallbacks: %d
    destinations: [{dsn: %q, table: user, columns: [number, name], callback: {url: "http://%s", retry: 2s, concurrency: %d}}]
`, server.Addr, dsn+"db", 5+n/5000, 2*n, dsn+"db2", gone.Addr(), concurrency), 0o600))

	ctx, key := t.Context(), func(name string) string { return "cupid:{db.user}:" + name }
	used := func() int64 { return number(t, server.Client.Info(ctx, "memory").Val(), "used_memory:") }
	waits := func(queue string) int { return int(server.Client.ZCard(ctx, key("callbacks:"+queue)).Val()) }
	slow := func() string {
		for _, entry := range server.Client.SlowLogGet(ctx, 10).Val() {
			t.Logf("slow: %s: %s", entry.Duration, strings.Join(entry.Args[:min(len(entry.Args), 4)], " "))
		}
		return fmt.Sprint(server.Client.Do(ctx, "slowlog", "len").Val())
	}
	before := used()
	processes := []*fleet.Process{fleet.Launch(t, "scheduler", nil, fleet.Scheduler, "-c", path)}
	for i := range workers {
		processes = append(processes, fleet.Launch(t, fleet.Name("worker", i+1), nil, fleet.Worker, "-c", path))
	}
	eventually.Until(t, 20*time.Minute, slowly(func() bool { return waits("confirm") == n || waits("slow") > 0 }), "all callbacks are open")
	require.Equal(t, n, waits("confirm"), "not all were open before the first was due: the machine is too slow for the confirmDelay")
	waiting, slowWhileOpened := used()-before, slow()

	eventually.Until(t, 20*time.Minute, slowly(func() bool { return waits("slow") == n }), "all callbacks are slow")
	example := server.Client.HGetAll(ctx, key(fmt.Sprintf("callback:db2.user:db.user:%d", n/2))).Val()
	refused, slowWhileRefused := used()-before, slow()
	for _, args := range [][]string{{"status"}, {"queue", "ls", "--queue", "slow"}} {
		result := fleet.Run(t, nil, fleet.Cupid, append(args, "-c", path)...)
		require.Zero(t, result.Code, result.Stderr)
	}

	var answered atomic.Int64
	back, err := net.Listen("tcp", gone.Addr().String())
	require.NoError(t, err)
	receiver := http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered.Add(1) })}
	go func() { _ = receiver.Serve(back) }()
	t.Cleanup(func() { _ = receiver.Close() })
	eventually.Until(t, 10*time.Minute, slowly(func() bool { return answered.Load() > int64(n/100) }), "the receiver is called again")
	slowWhenBack := slow()
	for _, p := range processes {
		p.Kill(t)
	}
	each := func(bytes int64) string { return fmt.Sprintf("%.0f bytes", float64(bytes)/float64(n)) }
	table(t, fmt.Sprintf("%d open callbacks of a table with a BIGINT key, by what Redis' used_memory grew; error %q, attempts %s.", n, example["error"], example["attempts"]), [][2]string{
		{"each, while they wait", each(waiting)},
		{"each, while their receiver refuses connections", each(refused)},
		{"commands slower than 10 ms, while they were opened", slowWhileOpened},
		{"and until all were slow", slowWhileRefused},
		{"and after the receiver was back", slowWhenBack},
	})
}
