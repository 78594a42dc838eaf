package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
)

// onRedis is a config of the job users, with the Redis that it names and the prefix of its keys there.
func onRedis(t *testing.T) (path string, rdb *redis.Client, prefix string) {
	t.Helper()
	server := redistest.Shared(t)
	prefix = server.Prefix(t)
	path = filepath.Join(t.TempDir(), "cupid.yaml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `
redis: {addr: %q, prefix: %q}
jobs:
  - name: users
    source: {dsn: "u:p@tcp(127.0.0.1:1)/db", table: user, byColumn: number}
    destinations: [{name: far, dsn: "u:p@tcp(127.0.0.1:1)/db", columns: [number], callback: off}]
`, server.Addr, prefix), 0o600))
	return path, server.Client, prefix
}

// queued is a config whose Redis holds n callbacks that wait to be confirmed.
func queued(t *testing.T, n int) string {
	t.Helper()
	path, rdb, prefix := onRedis(t)
	pipe := rdb.Pipeline()
	pipe.SAdd(t.Context(), prefix+"jobs", "users")
	pipe.HSet(t.Context(), prefix+"{users}:spec", "destinations", "far", "identity", "elsewhere")
	for i := range n {
		id := fmt.Sprintf("far:db.user:%d", i)
		pipe.HSet(t.Context(), prefix+"{users}:callback:"+id, "destination", "far", "shard", "db.user", "key", i, "type", 1, "attempts", 0)
		pipe.ZAdd(t.Context(), prefix+"{users}:callbacks:confirm", redis.Z{Score: float64(time.Now().Add(time.Hour).UnixMilli()), Member: id})
	}
	_, err := pipe.Exec(t.Context())
	require.NoError(t, err)
	return path
}

func TestQueueIsShownAndSteered(t *testing.T) {
	t.Parallel()
	ways(t, testQueue)
}

func testQueue(t *testing.T, way reach) {
	t.Helper()
	whom := way(t, queued(t, 700))
	queue := func(want int, args ...string) (out, console string) {
		t.Helper()
		code, out, console := call(t, append(append([]string{"queue"}, args...), whom...)...)
		require.Equal(t, want, code, out+console)
		return out, console
	}
	one, _ := queue(0, "show", "far:db.user:7")
	require.Regexp(t, `(?s)^callback +far:db.user:7\njob +users\nqueue +confirm\ndifference +missing at far, key 7\n.*due +\d.*  attempts +0\n.*its row +cupid row users 7\n$`, one)
	one, _ = queue(0, "show", "far:db.user:7", "--json")
	require.Contains(t, one, `"shard": "db.user"`)
	_, console := queue(2, "show", "nobody")
	require.Contains(t, console, `no callback "nobody" is open in job users`)
	_, console = queue(2, "show")
	require.Contains(t, console, "say one callback, not 0")
	out, _ := queue(0, "ls", "--queue", "confirm", "--limit", "3")
	require.Regexp(t, `^ID +TYPE +ATTEMPTS +FIRST SEEN +DUE +LAST\n(far:db\.user:\d+ +missing +0 +.*\n){3}$`, out)

	_, console = queue(2, "drop", "far:db.user:1")
	require.Contains(t, console, "drop wants --reason")
	_, console = queue(2, "retry")
	require.Contains(t, console, "say which callbacks")
	_, console = queue(2, "ls", "--queue", "lost")
	require.Contains(t, console, "one of due, leased, confirm, verify, retry, slow, parked")
	_, console = queue(2, "ls", "--queue", "slow", "--job", "nobody")
	require.Contains(t, console, `no job "nobody"; there are: users`)

	out, _ = queue(0, "drop", "far:db.user:1", "far:db.user:nobody", "--reason", "test data")
	require.Equal(t, "done\t1\ngone\t1\n", out)
	out, _ = queue(0, "park", "--all", "--queue", "confirm", "--reason", "the receiver is moved")
	require.Equal(t, "done\t699\n", out)
	out, _ = queue(0, "ls", "--queue", "parked", "--limit", "1")
	require.Contains(t, out, "the receiver is moved")
	out, _ = queue(0, "retry", "--all", "--queue", "parked")
	require.Equal(t, "held\t699\n", out)
	out, _ = queue(0, "unpark", "--all", "--queue", "parked", "--json")
	require.JSONEq(t, `{"done": 699}`, out)
	out, _ = queue(0, "ls", "--queue", "parked")
	require.Equal(t, "no callback is there\n", out)
	out, _ = queue(0, "ls", "--queue", "due", "--limit", "1", "--json")
	require.Contains(t, out, `"queue": "due"`)
}

// TestStraysAreFoundAndReadAgain: what somebody deleted by hand is not lost.
func TestStraysAreFoundAndReadAgain(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, way reach) {
		t.Helper()
		path, rdb, prefix := onRedis(t)
		require.NoError(t, rdb.SAdd(t.Context(), prefix+"jobs", "users").Err())
		require.NoError(t, rdb.HSet(t.Context(), prefix+"{users}:spec", "destinations", "far").Err())
		whom := way(t, path)
		audit := func(args ...string) string {
			t.Helper()
			return cupid(t, whom, 0, append([]string{"queue", "audit"}, args...)...)
		}
		require.Equal(t, "every callback stands in a queue\n", audit())
		require.NoError(t, rdb.HSet(t.Context(), prefix+"{users}:callback:far:db.user:1", "destination", "far", "shard", "db.user", "key", 1).Err())
		require.Equal(t, "far:db.user:1\n1 callback(s) stand in no queue: cupid queue audit --fix has them read again\n", audit())
		require.JSONEq(t, `{"strays": ["far:db.user:1"], "read_again": false}`, audit("--json"))
		require.Equal(t, "far:db.user:1\n1 callback(s) stood in no queue and are read again\n", audit("--fix"))
		require.Equal(t, "every callback stands in a queue\n", audit("--fix"))
		require.EqualValues(t, 1, rdb.ZCard(t.Context(), prefix+"{users}:callbacks:confirm").Val())
	})
}

// TestAWholeQueueIsActedOnOnce: what an act leaves in its queue is neither acted on again nor in the way.
func TestAWholeQueueIsActedOnOnce(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, way reach) {
		t.Helper()
		whom := way(t, queued(t, 4200)) // more than one order looks at
		all := func(act, queue string) string {
			t.Helper()
			return cupid(t, whom, 0, "queue", act, "--all", "--queue", queue, "--reason", "test")
		}
		require.Equal(t, "done\t4200\n", all("park", "confirm"))
		require.Equal(t, 2, strings.Count(cupid(t, whom, 0, "events"), "\n"), "a heading, and one event for all")
		require.Equal(t, "done\t4200\n", all("park", "parked"))
		require.Equal(t, "done\t4200\n", all("unpark", "parked"))
		require.Equal(t, "due\t4200\n", all("retry", "due"))
		require.Equal(t, "done\t4200\n", all("park", "due"), "their ids stay on the list until a worker comes by")
		require.Equal(t, "done\t4200\n", all("drop", "due"))
		require.Equal(t, "no callback is there\n", all("drop", "due"))
	})
}
