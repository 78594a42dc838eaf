package cli

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
)

func TestJobsAndWorkersAreShown(t *testing.T) {
	t.Parallel()
	path, rdb, prefix := onRedis(t)
	ctx := t.Context()
	require.Equal(t, "no job is known yet\n", ask(t, path, "jobs"))
	require.Equal(t, "no process is running\n", ask(t, path, "workers"))
	require.JSONEq(t, "[]", ask(t, path, "jobs", "--json"))
	require.JSONEq(t, "[]", ask(t, path, "workers", "--json"))

	now, err := rdb.Time(ctx).Result()
	require.NoError(t, err)
	pipe := rdb.Pipeline()
	pipe.SAdd(ctx, prefix+"jobs", "users", "idle")
	pipe.HSet(ctx, prefix+"{users}:spec", "destinations", "far")
	pipe.Set(ctx, prefix+"{users}:lock", "token h1:41", 0)
	pipe.HSet(ctx, prefix+"{users}:cursor", "insert:db.user", "1000", "update:db.user", "2026-11-22T11:50:25Z")
	pipe.HSet(ctx, prefix+"{users}:lag", "insert:db.user", 0, "update:db.user", 90)
	pipe.HSet(ctx, prefix+"{users}:paused", "by", "eva", "why", "the receiver is moved")
	pipe.RPush(ctx, prefix+"{users}:ranges", "a", "b")
	pipe.ZAdd(ctx, prefix+"{users}:ranges:parked", redis.Z{Member: "c"})
	pipe.RPush(ctx, prefix+"{users}:callbacks:far", "1", "2", "3")
	pipe.ZAdd(ctx, prefix+"{users}:callbacks:slow", redis.Z{Member: "4"})
	pipe.ZAdd(ctx, prefix+"{users}:callbacks:parked", redis.Z{Member: "5"})
	for id, beat := range map[string]time.Duration{"h1:41": -time.Second, "h2:7": -45 * time.Second} {
		pipe.ZAdd(ctx, prefix+"processes", redis.Z{Member: id, Score: float64(now.Add(beat).UnixMilli())})
	}
	pipe.HSet(ctx, prefix+"process:h1:41", "role", "scheduler", "host", "h1", "pid", 41, "version", "v1.2.0", "jobs", "users", "address", "h1:8321", "rss", 17<<20)
	pipe.HSet(ctx, prefix+"process:h2:7", "role", "worker", "host", "h2", "pid", 7, "version", "v1.1.0", "address", "h2:8322", "busy", 3, "rss", 30<<20)
	_, err = pipe.Exec(ctx)
	require.NoError(t, err)

	require.Regexp(t, `^JOB +LEADER +RANGES +OPEN +PARKED +SCAN +CURSOR +LAG +PAUSED
idle +\(retired\) +0 +0 +0 +\(none\) +- +- *
users +h1:41 +2 +4 +2 +insert:db.user +1000 +up to date +eva: the receiver is moved
 +update:db.user +2026-11-22T11:50:25Z +1m30s behind *
$`, ask(t, path, "jobs"))
	require.Regexp(t, `^HOST +PID +ROLE +VERSION +ADDRESS +BUSY +MEMORY +BEAT
h1 +41 +scheduler +v1.2.0 +h1:8321 +0 +17 MB +\d+s ago
h2 +7 +worker +v1.1.0 +h2:8322 +3 +30 MB +\d+s ago, STALE
$`, ask(t, path, "workers"))

	for _, way := range []reach{overRedis, overAPI} {
		testQuiet(t, way(t, path))
	}
	var jobs []app.JobStatus
	require.NoError(t, json.Unmarshal([]byte(ask(t, path, "jobs", "--json")), &jobs))
	require.Len(t, jobs, 2)
	require.EqualValues(t, 4, jobs[1].Open)
	require.Equal(t, "h1:41", jobs[1].Leader)
	var processes []app.Process
	require.NoError(t, json.Unmarshal([]byte(ask(t, path, "workers", "--json")), &processes))
	require.Equal(t, []bool{false, true}, []bool{processes[0].Stale, processes[1].Stale})
	require.GreaterOrEqual(t, processes[1].Silent, int64(45))
}

func testQuiet(t *testing.T, whom []string) {
	t.Helper()
	cupid := func(want int, args ...string) string {
		t.Helper()
		return cupid(t, whom, want, args...)
	}
	require.Contains(t, cupid(2, "workers", "quiet", "h2:7"), "quiet wants --reason")
	require.Contains(t, cupid(2, "workers", "quiet", "--reason", "x"), "say one process, not 0")
	require.Contains(t, cupid(2, "workers", "quiet", "h3:7", "--reason", "x"), `no process "h3:7" beat within the last minute`)
	require.Contains(t, cupid(2, "workers", "quiet", "h1:41", "--reason", "x"), "h1:41 is a scheduler")
	require.Equal(t, "h2:7 was not quiet\n", cupid(0, "workers", "resume", "h2:7"))
	require.Contains(t, cupid(0, "workers", "quiet", "h2:7", "--reason", "its host moves"), "h2:7 fetches nothing more until")
	require.Regexp(t, `STALE, QUIET\n`, cupid(0, "workers"))
	require.Regexp(t, `quiet +fetches nothing more, held by \S+.*: its host moves\n`, cupid(0, "status"))
	require.Equal(t, "h2:7 goes on\n", cupid(0, "workers", "resume", "h2:7"))
	require.NotContains(t, cupid(0, "workers"), "QUIET")
}

// ask runs a command that succeeds.
func ask(t *testing.T, path string, args ...string) string {
	t.Helper()
	code, out, console := call(t, append([]string{"-c", path}, args...)...)
	require.Equal(t, 0, code, out+console)
	return out
}
