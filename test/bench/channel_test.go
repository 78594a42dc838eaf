//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// workers deliver in every measurement of deliveries.
const workers = 2

// channel is a fleet that delivers to some receivers the rows that they lack.
type channel struct {
	redis     *redistest.Server
	source    *mysqltest.Database
	receivers []*repairer
	processes []*fleet.Process // the scheduler, then the workers
	memory    int64            // that Redis holds its data in, once all callbacks are open
}

// openChannel opens a callback for each of n source rows at each receiver, and
// returns when all are open and none is due. Options are those of the callbacks
// of each receiver.
func openChannel(t *testing.T, source *mysqltest.Database, n int, receivers []*repairer, options func(i int) string) *channel {
	t.Helper()
	c := &channel{redis: redistest.Start(t, redistest.Options{AOF: true}), source: source, receivers: receivers}
	var text strings.Builder
	fmt.Fprintf(&text, `
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
`, c.redis.Addr, source.DSN, 5+n*len(receivers)/5000, 2*n*len(receivers))
	for i, r := range receivers {
		fmt.Fprintf(&text, "      - {name: %s, dsn: %q, table: %s, columns: [id, number, name], callback: {url: %q, verifyDelay: 1s, %s}}\n", r.table, r.far.DSN, r.table, r.URL, options(i))
	}
	path := filepath.Join(t.TempDir(), "channel.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
	c.processes = append(c.processes, fleet.Launch(t, "scheduler", nil, fleet.Scheduler, "-c", path))
	for i := range workers {
		c.processes = append(c.processes, fleet.Launch(t, fleet.Name("worker", i+1), nil, fleet.Worker, "-c", path))
	}
	all := n * len(receivers)
	eventually.Until(t, 10*time.Minute, slowly(func() bool { return c.open(t) == all || c.posts() > 0 }), "all callbacks are open")
	require.Zero(t, c.posts(), "not all were open before the first was due: the machine is too slow for the confirmDelay")
	c.memory = number(t, c.redis.Client.Info(t.Context(), "memory").Val(), "used_memory_dataset:")
	return c
}

// slowly looks at a condition less often: a closer look would take from what is measured.
func slowly(condition func() bool) func() bool {
	return func() bool {
		if condition() {
			return true
		}
		time.Sleep(50 * time.Millisecond)
		return false
	}
}

func (c *channel) posts() (n int) {
	for _, r := range c.receivers {
		n += r.posts()
	}
	return n
}

// end ends the processes.
func (c *channel) end(t *testing.T) {
	t.Helper()
	for _, p := range c.processes {
		p.Kill(t)
	}
}

var openScript = redis.NewScript(`local n = 0
for _, k in ipairs({'confirm','verify','retry','slow','leased'}) do n = n + redis.call('ZCARD', 'cupid:{bench}:callbacks:' .. k) end
for _, k in ipairs(KEYS) do n = n + redis.call('LLEN', k) end
return n`)

// open is how many callbacks are.
func (c *channel) open(t *testing.T) int {
	t.Helper()
	lists := make([]string, len(c.receivers))
	for i, r := range c.receivers {
		lists[i] = fleetKey("callbacks:" + r.table)
	}
	n, err := openScript.Run(t.Context(), c.redis.Client, lists).Int()
	require.NoError(t, err)
	return n
}

// usage is what deliveries have cost so far.
type usage struct {
	scripts, commands, selects int64         // commands count those inside scripts too
	redis                      time.Duration // of a processor; what scripts say they took is more while they wait for one
	cpu                        time.Duration // of the workers
}

func (c *channel) usage(t *testing.T) (u usage) {
	t.Helper()
	stats := c.redis.Client.Info(t.Context(), "commandstats").Val()
	for line := range strings.Lines(stats) {
		name, calls, found := strings.Cut(line, ":calls=")
		if !found {
			continue
		}
		var n int64
		_, err := fmt.Sscanf(calls, "%d,", &n)
		require.NoError(t, err)
		if name == "cmdstat_evalsha" || name == "cmdstat_eval" {
			u.scripts += n
		} else {
			u.commands += n
		}
	}
	u.redis = c.redis.CPU(t)
	var name string
	require.NoError(t, c.source.DB.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Com_select'").Scan(&name, &u.selects))
	for _, w := range c.processes[1:] {
		u.cpu += cpu(t, w.PID())
	}
	return u
}

// number is the one behind a word of a text.
func number(t *testing.T, text, word string) (n int64) {
	t.Helper()
	_, rest, found := strings.Cut(text, word)
	require.True(t, found, word)
	_, err := fmt.Sscan(rest, &n)
	require.NoError(t, err)
	return n
}

// setting is a number from the environment.
func setting(t testing.TB, name string, standard int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}
