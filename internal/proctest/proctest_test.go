package proctest_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/proctest"
	"github.com/masixun71/cupid-go/internal/testmain"
)

// roleKey makes the test binary play a test run that is killed while its server runs.
const roleKey = "CUPID_PROCTEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleKey) == "doomed" {
		doomed()
	}
	testmain.Run(m)
}

// doomed starts a child in a run directory, says both and waits for its death.
func doomed() {
	dir, err := proctest.NewDir()
	if err == nil {
		var child *proctest.Process
		if child, err = proctest.Start(exec.Command("sleep", "600")); err == nil {
			fmt.Println(child.PID(), dir.Path)
			<-child.Done()
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestNothingOutlivesAKilledTestBinary(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Log("only Linux has a death signal; here the directory alone is looked at")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleKey+"=doomed")
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	run, err := proctest.Start(cmd)
	require.NoError(t, err)
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	pidText, path, ok := strings.Cut(strings.TrimSpace(line), " ")
	require.True(t, ok, line)
	pid, err := strconv.Atoi(pidText)
	require.NoError(t, err)

	mine, err := proctest.NewDir()
	require.NoError(t, err)
	require.DirExists(t, path, "a living run's directory is left alone")
	require.NoError(t, mine.Remove())

	require.NoError(t, run.Kill())
	if runtime.GOOS == "linux" {
		eventually.Until(t, 10*time.Second, func() bool { return gone(pid) }, "the child dies with its parent")
	}
	next, err := proctest.NewDir()
	require.NoError(t, err)
	defer func() { require.NoError(t, next.Remove()) }()
	require.NoDirExists(t, path, "the next run removes it")
}

// gone reports whether the process has ended; a zombie that nobody reaps has.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestStopEndsAPausedProcessInGoodOrder(t *testing.T) {
	t.Parallel()
	process, err := proctest.Start(exec.Command("sleep", "600"))
	require.NoError(t, err)
	require.NoError(t, process.Pause())
	require.NoError(t, process.Stop(10*time.Second))
	require.ErrorContains(t, process.Err(), "signal: terminated")
	require.NoError(t, process.Stop(time.Second), "once more is no error")
	require.NoError(t, process.Kill())
}

func TestStopKillsWhoDoesNotListen(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	process, err := proctest.Start(cmd)
	require.NoError(t, err)
	_, err = bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, process.Stop(50*time.Millisecond))
	require.ErrorContains(t, process.Err(), "signal: killed")
}

func TestStartNamesTheProgramThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := proctest.Start(exec.Command("/nowhere/server"))
	require.ErrorContains(t, err, "start /nowhere/server")
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = proctest.Find("no-such-server", "nor-this-one")
	require.ErrorContains(t, err, "no-such-server or nor-this-one")
}

func TestServerThatDoesNotComeUpShowsItsLog(t *testing.T) {
	t.Parallel()
	dir, err := proctest.NewDir()
	require.NoError(t, err)
	log := dir.File("log")
	_, err = proctest.NewServer(proctest.ServerConfig{
		Program: "/bin/sh",
		Dir:     dir,
		Args: func(port int) []string {
			return []string{"-c", "echo cannot listen on $0 >" + log + "; exit 1", strconv.Itoa(port)}
		},
		Ready: func() bool { return false },
		Log:   log,
	})
	require.ErrorContains(t, err, "cannot listen on ")
	require.NoDirExists(t, dir.Path)
}

func TestCachedIsFilledOnceAndSeenComplete(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	var fills atomic.Int64
	fill := func(dir string) error {
		fills.Add(1)
		return os.WriteFile(filepath.Join(dir, "content"), []byte("whole"), 0o600)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			path, err := proctest.Cached("thing", fill)
			if err != nil {
				t.Error(err)
				return
			}
			if content, err := os.ReadFile(filepath.Join(path, "content")); err != nil || string(content) != "whole" {
				t.Errorf("content %q, error %v", content, err)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, fills.Load())
}

func TestCachedForgetsAFillThatFailed(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	_, err := proctest.Cached("thing", func(string) error { return errors.New("disk is full") })
	require.ErrorContains(t, err, "disk is full")
	path, err := proctest.Cached("thing", func(string) error { return nil })
	require.NoError(t, err)
	require.DirExists(t, path)
}

func TestFreePortCanBeListenedOn(t *testing.T) {
	t.Parallel()
	// Now and then somebody else has it, or a program that another test just starts still holds what was closed here.
	require.Eventually(t, func() bool {
		port, err := proctest.FreePort()
		require.NoError(t, err)
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		return err == nil && listener.Close() == nil
	}, 10*time.Second, time.Millisecond)
}
