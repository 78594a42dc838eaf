//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/proctest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// seedProgram is the supervisord file of the seed page, letter by letter.
const seedProgram = `
[program:cupid.synchronization-compensation-tool]
directory=/tmp
command=/tmp/cupid -c /tmp/myConfig.json -s 1
numprocs=1
autorestart=true
stopsignal=TERM
stopwaitsecs=2
killasgroup=true
user=nobody
stdout_logfile=/tmp/cupid.synchronization-compensation-tool.log
redirect_stderr=true
loglevel=debug
`

// supervisor is a supervisord that runs programs out of a folder that everybody may
// use, as /tmp on the seed page.
type supervisor struct {
	dir     string
	process *proctest.Process
}

func supervise(t *testing.T, env []string, configure func(dir string) (programs string)) *supervisor {
	t.Helper()
	dir, err := os.MkdirTemp("", "supervised") //nolint:usetesting // nobody may not enter t.TempDir
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o1777|os.ModeSticky))
	for _, command := range []string{fleet.Scheduler, fleet.Worker, fleet.Cupid} {
		program, err := os.ReadFile(fleet.Command(t, nil, command).Path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, command), program, 0o755))
	}
	programs := configure(dir)
	if os.Getuid() != 0 {
		t.Log("only root may start a program as nobody: it runs as you")
		programs = regexp.MustCompile(`(?m)^user=nobody$`).ReplaceAllString(programs, "")
	}
	s := &supervisor{dir: dir}
	main := "[supervisord]\nnodaemon=true\nlogfile=" + s.path("supervisord.log") + "\npidfile=" + s.path("supervisord.pid") +
		"\n[unix_http_server]\nfile=" + s.path("socket") +
		"\n[supervisorctl]\nserverurl=unix://" + s.path("socket") +
		"\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
	require.NoError(t, os.WriteFile(s.path("supervisord.conf"), []byte(main+programs), 0o644))
	program, err := proctest.Find("supervisord")
	require.NoError(t, err, "install Debian's package supervisor")
	command := exec.Command(program, "-c", s.path("supervisord.conf"))
	command.Env = append(os.Environ(), env...)
	s.process, err = proctest.Start(command)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.process.Stop(time.Minute), "it stops its programs")
		if t.Failed() {
			t.Log(s.log(t, "supervisord.log"))
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	return s
}

func (s *supervisor) path(name string) string { return filepath.Join(s.dir, name) }

func (s *supervisor) log(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	require.NoError(t, err)
	return string(text)
}

// control is supervisorctl; it gives what it printed, whatever its exit code says.
func (s *supervisor) control(t *testing.T, args ...string) string {
	t.Helper()
	program, err := proctest.Find("supervisorctl")
	require.NoError(t, err)
	output, _ := exec.Command(program, append([]string{"-c", s.path("supervisord.conf")}, args...)...).CombinedOutput()
	return string(output)
}

var pid = regexp.MustCompile(`RUNNING\s+pid (\d+)`)

// pids are those of the programs that run.
func (s *supervisor) pids(t *testing.T) (pids []int) {
	t.Helper()
	for _, m := range pid.FindAllStringSubmatch(s.control(t, "status"), -1) {
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		pids = append(pids, n)
	}
	return pids
}

// kills is how often supervisord's patience ended.
func (s *supervisor) kills(t *testing.T) int {
	t.Helper()
	return strings.Count(s.log(t, "supervisord.log"), "with SIGKILL")
}

func TestTheSeedPagesSupervisordFileRunsCupid(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	w.Exec(t, "UPDATE db.user SET update_time = NOW() - INTERVAL 1 DAY")
	w.Exec(t, "DELETE d FROM db2.user d JOIN db.user s USING (number) WHERE s.id % 20 = 0")
	w.Receiver.Behave(callbacktest.Always(http.StatusInternalServerError))

	s := supervise(t, w.Env("CUPID_HTTP_ADDR=127.0.0.1:0", "CUPID_JOBS_0_LATE_COMMIT=1h"), func(dir string) string {
		config := strings.ReplaceAll(w.Seed(`"failureJobRetrySecond": 1`, `"verifyDelaySecond": 1`), w.Dir, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "myConfig.json"), []byte(config), 0o644))
		return strings.ReplaceAll(seedProgram, "/tmp", dir)
	})
	const program, log = "cupid.synchronization-compensation-tool", "cupid.synchronization-compensation-tool.log"
	w.Receiver.WaitFor(t, 5, time.Minute) // then its breaker opens, and most of them wait

	// Fifty callbacks are open, none of them in a Redis. The stop may take 2 s.
	require.Contains(t, s.control(t, "restart", program), "started")
	if stopLimit <= 2*time.Second {
		require.Zero(t, s.kills(t), "it stopped in time")
	}
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	waitUntilRepaired(t, w)
	require.Contains(t, s.log(t, log), "the start id is ignored", "-s 1 is not the beginning again")
	require.Equal(t, 1, strings.Count(s.log(t, log), "job=db.user start_id=1"))

	// What is killed comes back.
	before := s.pids(t)
	require.Len(t, before, 1)
	w.Exec(t, "UPDATE db2.user SET name = 'lost'  WHERE number = 'n7'")
	w.Exec(t, "UPDATE db.user SET name = 'changed' WHERE id = 7")
	require.NoError(t, syscall.Kill(before[0], syscall.SIGKILL))
	waitUntilRepaired(t, w)
	after := s.pids(t)
	require.Len(t, after, 1)
	require.NotEqual(t, before, after)
}

func TestTheSupervisordFileRunsAFleet(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.Receiver.Behave(callbacktest.Repair(w.Repair))
	file, err := os.ReadFile("../../deploy/supervisord/cupid.conf")
	require.NoError(t, err)
	s := supervise(t, w.Env("CUPID_HTTP_ADDR=127.0.0.1:0"), func(dir string) string {
		config := filepath.Join(dir, "cupid.json")
		seed := w.Seed(`"redis": {"addr": "`+w.Redis.Addr+`"}`, `"verifyDelaySecond": 1`)
		require.NoError(t, os.WriteFile(config, []byte(strings.ReplaceAll(seed, w.Dir, dir)), 0o644))
		return strings.NewReplacer("/usr/local/bin", dir, "/etc/cupid/cupid.yaml", config, "/var/log", dir).Replace(string(file))
	})
	eventually.Until(t, time.Minute, func() bool { return len(s.pids(t)) == 3 }, "a scheduler and two workers run")
	w.WaitUntilSettled(t, time.Minute)
	require.Contains(t, s.control(t, "stop", "all"), "stopped")
	if stopLimit <= 2*time.Second {
		require.Zero(t, s.kills(t), "they stopped in time")
	}
}

// waitUntilRepaired waits until both tables are equal.
func waitUntilRepaired(t *testing.T, w *fleet.World) {
	t.Helper()
	var differing []string
	equal := eventually.Holds(time.Minute, func() bool {
		differing = w.Differing(t)
		return len(differing) == 0
	})
	require.True(t, equal, "these rows differ: %s", differing)
}
