package cli

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
)

// reach gives the flags by which a command reaches the fleet of a config.
type reach func(t *testing.T, path string) []string

// ways runs a test over the Redis of a config, and over the API of a scheduler that runs
// another job there: a command says and does the same.
func ways(t *testing.T, test func(*testing.T, reach)) {
	t.Helper()
	for name, way := range map[string]reach{"over Redis": overRedis, "over the API": overAPI} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, way)
		})
	}
}

func overRedis(_ *testing.T, path string) []string { return []string{"-c", path} }

func overAPI(t *testing.T, path string) []string {
	t.Helper()
	return []string{"--addr", "http://" + scheduler(t, path) + "/", "--token-file", tokenFile(t, tokenOfTests)}
}

const tokenOfTests = "a-token-of-some-length"

func tokenFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(token+"\n"), 0o600))
	return path
}

// scheduler runs one over the Redis of a config, with a job whose databases nobody needs, and gives its address.
func scheduler(t *testing.T, path string) string {
	t.Helper()
	c, err := config.Load(config.Options{Path: path, Environ: []string{"CUPID_HTTP_ADDR=127.0.0.1:0", "CUPID_HTTP_ROWS=true", "CUPID_HTTP_TOKEN=" + tokenOfTests}})
	require.NoError(t, err)
	c.Jobs[0].Name = "idle"
	a, err := app.New(c, app.Options{Role: app.Scheduler, Console: io.Discard})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, a.Stop(context.Background()))
	})
	return a.Addr()
}

// cupid runs a command at a fleet, and gives all that it printed.
func cupid(t *testing.T, whom []string, want int, args ...string) string {
	t.Helper()
	code, out, console := call(t, append(args, whom...)...)
	require.Equal(t, want, code, out+console)
	return out + console
}

func TestOnlyTheTokenOpensTheAPI(t *testing.T) {
	t.Parallel()
	path := queued(t, 1)
	addr := scheduler(t, path)
	for _, args := range [][]string{
		{"status"}, {"jobs"}, {"workers"}, {"events"}, {"queue", "ls", "--queue", "slow"}, {"queue", "show", "x"}, {"queue", "retry", "x"}, {"rescan"},
		{"pause", "users", "--reason", "x"}, {"resume", "users"}, {"workers", "quiet", "h:1", "--reason", "x"}, {"jobs", "rm", "users", "--yes"}, {"row", "idle", "7"},
	} {
		require.Equal(t, "cupid: "+addr+": it wants its http.token, and none was given: set CUPID_HTTP_TOKEN, or name a file with --token-file\n", cupid(t, []string{"--addr", addr}, exitMistake, args...))
		wrong := []string{"--addr", addr, "--token-file", tokenFile(t, "guessed")}
		require.Equal(t, "cupid: "+addr+": the token is not its http.token\n", cupid(t, wrong, exitMistake, args...))
	}
	require.Contains(t, cupid(t, []string{"--addr", addr, "--token-file", "/nowhere"}, exitMistake, "status"), "--token-file /nowhere: want a readable file")
	require.Contains(t, cupid(t, nil, exitMistake, "events"), "say whom to ask: -c FILE (the config of the fleet) or --addr HOST:PORT")
	require.Contains(t, cupid(t, []string{"--addr", "ftp://x"}, exitMistake, "events"), "want host:port, or a URL")
	require.Contains(t, cupid(t, []string{"--addr", "127.0.0.1:1"}, exitFailure, "events"), "connection refused")
}

// TestTheTokenOfTheConfigWillDo, and that of the environment, by which the config has its own.
func TestTheTokenOfTheConfigWillDo(t *testing.T) {
	path := queued(t, 1)
	addr := scheduler(t, path)
	t.Setenv("CUPID_HTTP_TOKEN", tokenOfTests)
	require.Contains(t, cupid(t, []string{"--addr", addr, "-c", path}, 0, "jobs"), "users")
	require.Contains(t, cupid(t, []string{"--addr", addr}, 0, "jobs"), "users")
}

// TestTheAPIShowsTheFleetAsRedisDoes, and notes from where somebody acted.
func TestTheAPIShowsTheFleetAsRedisDoes(t *testing.T) {
	t.Parallel()
	path := queued(t, 3)
	there, api := overRedis(t, path), overAPI(t, path)
	for _, args := range [][]string{{"jobs"}, {"jobs", "--json"}, {"queue", "ls", "--queue", "confirm", "--json"}, {"queue", "show", "far:db.user:1", "--json"}, {"events", "--json"}} {
		require.Equal(t, cupid(t, there, 0, args...), cupid(t, api, 0, args...))
	}
	var s app.Status
	require.NoError(t, json.Unmarshal([]byte(cupid(t, api, 0, "status", "--json")), &s))
	require.EqualValues(t, 3, s.Jobs[0].Depths["callbacks:confirm"])
	require.Contains(t, cupid(t, api, 0, "workers"), "scheduler")

	cupid(t, api, 0, "queue", "park", "far:db.user:1", "--reason", "ticket 17")
	require.Regexp(t, `^AT +JOB +KIND +WHO +WHAT\n\S+ \S+ +users +park +\S+@\S+ from 127.0.0.1 +1 callback\(s\), the first far:db.user:1: ticket 17\n$`, cupid(t, api, 0, "events", "--limit", "1"))
	cupid(t, there, 0, "queue", "unpark", "far:db.user:1")
	require.Regexp(t, `users +unpark +\S+@\S+ +1 callback`, cupid(t, api, 0, "events", "--job", "users", "--limit", "1"))
	require.Contains(t, cupid(t, api, exitMistake, "events", "--job", "nobody"), `no job "nobody"`)
	require.Contains(t, cupid(t, api, exitMistake, "events", "--limit", "0"), "--limit wants a number from 1 to 1000")
	require.Contains(t, cupid(t, api, exitMistake, "rescan", "--job", "users"), "ask a scheduler that runs it")
	require.Contains(t, cupid(t, api, exitNotCompared, "row", "idle", "7"), "NOT READ")
	require.Contains(t, cupid(t, api, exitNotCompared, "row", "idle", "7", "--by-column", "--json"), `"error"`)
}
