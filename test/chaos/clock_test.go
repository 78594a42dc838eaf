//go:build chaos

package chaos

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/test/fleet"
)

// clockEnv names the file of a process's [clock].
const clockEnv = "CUPID_CHAOS_CLOCK"

// clock is how far the wall clock of a process is off: a file with a number of seconds, which
// the process has mapped, so that its clock jumps while it runs. Monotonic time goes on as it
// does when somebody sets a clock.
type clock struct {
	path string
	base int64 // seconds by which it is off while nothing is broken
}

func newClock(t *testing.T, base int64) *clock {
	t.Helper()
	c := &clock{path: filepath.Join(t.TempDir(), "clock"), base: base}
	require.NoError(t, os.WriteFile(c.path, make([]byte, 8), 0o600))
	c.jump(0)(t)
	return c
}

func (c *clock) env() string { return clockEnv + "=" + c.path }

// jump sets the clock off by so many seconds more than it is anyway.
func (c *clock) jump(seconds int64) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		f, err := os.OpenFile(c.path, os.O_WRONLY, 0) // not anew: it is mapped
		require.NoError(t, err)
		_, err = f.Write(binary.NativeEndian.AppendUint64(nil, uint64(c.base+seconds)))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
}

// goClock is added to the package time: nothing of the product knows of it.
const goClock = `
var chaosClock = func() *int64 {
	path, found := syscall.Getenv("` + clockEnv + `")
	if !found {
		return new(int64)
	}
	file, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic("open the clock: " + err.Error())
	}
	page, err := syscall.Mmap(file, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("map the clock: " + err.Error())
	}
	syscall.Close(file)
	return (*int64)(unsafe.Pointer(&page[0]))
}()
`

// cClock stands before the C library's clocks.
const cClock = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t right, *off = &right;

__attribute__((constructor)) static void map(void) {
	const char *path = getenv("` + clockEnv + `");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *page = file < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
	if (page == MAP_FAILED) abort();
	close(file);
	off = page;
}

int clock_gettime(clockid_t id, struct timespec *at) {
	int failed = (int)syscall(SYS_clock_gettime, id, at);
	if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += *off;
	return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
	struct timespec now;
	(void)zone;
	int failed = clock_gettime(CLOCK_REALTIME, &now);
	if (!failed) at->tv_sec = now.tv_sec, at->tv_usec = now.tv_nsec / 1000;
	return failed;
}

time_t time(time_t *at) {
	struct timespec now;
	time_t seconds = clock_gettime(CLOCK_REALTIME, &now) ? -1 : now.tv_sec;
	if (at) *at = seconds;
	return seconds;
}
`

// clocks are what was made so that clocks can jump.
type clocks struct {
	dir     string
	library string // to preload into programs of C
}

// jumping has the commands built with a standard library whose time.Now obeys a [clock],
// and makes the library with which Redis does.
func jumping() (clocks, error) {
	dir, err := os.MkdirTemp("", "cupid-clock-*")
	if err != nil {
		return clocks{}, err
	}
	c := clocks{dir: dir, library: filepath.Join(dir, "clock.so")}
	overlay, err := c.overlay()
	if err != nil {
		return c, err
	}
	fleet.BuildFlags = append(fleet.BuildFlags, "-overlay", overlay)
	source := filepath.Join(dir, "clock.c")
	if err := os.WriteFile(source, []byte(cClock), 0o600); err != nil {
		return c, err
	}
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-O2", "-o", c.library, source).CombinedOutput(); err != nil {
		return c, fmt.Errorf("build the clock of Redis: %w: %s", err, output)
	}
	return c, nil
}

func (c clocks) remove() { _ = os.RemoveAll(c.dir) }

// overlay writes a package time with goClock, and the list that go build reads.
func (c clocks) overlay() (list string, err error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("ask for GOROOT: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	patched := string(text)
	for before, after := range map[string]string{
		"import (\n": "import (\n\t\"sync/atomic\"\n\t\"syscall\"\n\t\"unsafe\"\n",
		"sec, nsec, mono := runtimeNow()\n\tif mono == 0 {": "sec, nsec, mono := runtimeNow()\n\tsec += atomic.LoadInt64(chaosClock)\n\tif mono == 0 {",
	} {
		if strings.Count(patched, before) != 1 {
			return "", fmt.Errorf("%s: %q is not there once", original, before)
		}
		patched = strings.Replace(patched, before, after, 1)
	}
	file, list := filepath.Join(c.dir, "time.go"), filepath.Join(c.dir, "overlay.json")
	if err := os.WriteFile(file, []byte(patched+goClock), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{original: file}})
	if err != nil {
		return "", err
	}
	return list, os.WriteFile(list, replace, 0o600)
}
