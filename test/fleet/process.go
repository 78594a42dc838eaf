package fleet

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/proctest"
)

// Process is one command that may be killed and started again, at the same admin address.
type Process struct {
	Name string // "worker-2"
	// Addr is where it serves health and metrics.
	Addr string

	env       []string
	command   string
	args      []string
	namespace string // of the network; "" is this one
	output    output // of all its lives

	process *proctest.Process // the current life
}

// Launch starts a process and watches over it: when t ends it is killed, and
// its output may tell neither of a data race or a panic nor of a password.
func Launch(t testing.TB, name string, env []string, command string, args ...string) *Process {
	t.Helper()
	return LaunchIn(t, "", name, env, command, args...)
}

// LaunchIn is Launch in a network namespace, from where only the test's bridge is reached.
func LaunchIn(t testing.TB, namespace, name string, env []string, command string, args ...string) *Process {
	t.Helper()
	port, err := proctest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p := &Process{Name: name, Addr: addr, env: append([]string{"CUPID_HTTP_ADDR=" + addr}, env...), command: command, args: args, namespace: namespace}
	p.Start(t)
	t.Cleanup(func() {
		if err := p.process.Kill(); err != nil {
			t.Errorf("end %s: %v", name, err)
		}
		checkOutput(t, name, p.Output())
		if t.Failed() {
			t.Logf("the end of what %s said:\n%s", name, p.output.tail())
		}
	})
	return p
}

// Start starts a process that has ended.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	c := Command(t, p.env, p.command, p.args...)
	if p.namespace != "" {
		inside := exec.CommandContext(context.WithoutCancel(t.Context()), "ip", append([]string{"netns", "exec", p.namespace}, c.Args...)...)
		inside.Env = c.Env
		c = inside
	}
	c.Stdout, c.Stderr = &p.output, &p.output
	var err error
	if p.process, err = proctest.Start(c); err != nil {
		t.Fatalf("start %s: %v", p.Name, err)
	}
}

// Kill ends the process with SIGKILL.
func (p *Process) Kill(t testing.TB) { t.Helper(); p.do(t, "kill", (*proctest.Process).Kill) }

// Pause makes the process hang with SIGSTOP.
func (p *Process) Pause(t testing.TB) { t.Helper(); p.do(t, "pause", (*proctest.Process).Pause) }

// Resume ends a Pause.
func (p *Process) Resume(t testing.TB) { t.Helper(); p.do(t, "resume", (*proctest.Process).Resume) }

// Terminate sends SIGTERM and returns at once; see [Process.Ended].
func (p *Process) Terminate(t testing.TB) { t.Helper(); p.do(t, "terminate", terminate) }

// HangUp sends SIGHUP: the process reads its config again.
func (p *Process) HangUp(t testing.TB) { t.Helper(); p.do(t, "hang up on", hangUp) }

func (p *Process) do(t testing.TB, what string, act func(*proctest.Process) error) {
	t.Helper()
	if err := act(p.process); err != nil {
		t.Fatalf("%s %s: %v", what, p.Name, err)
	}
}

// Ended waits for the end of the process and gives its exit code, -1 after a signal.
func (p *Process) Ended(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.process.Done():
	case <-time.After(limit):
		t.Fatalf("%s did not end within %s", p.Name, limit)
	}
	var exit *exec.ExitError
	if err := p.process.Err(); errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		t.Fatalf("wait for %s: %v", p.Name, err)
	}
	return 0
}

// Output is what the process said on stdout and stderr in all its lives.
func (p *Process) Output() string { return p.output.String() }

// WaitForOutput waits until the process has said text.
func (p *Process) WaitForOutput(t testing.TB, text string, limit time.Duration) {
	t.Helper()
	eventually.Until(t, limit, func() bool { return strings.Contains(p.Output(), text) }, p.Name+" says "+text)
}

// checkOutput fails t for what no output may ever hold.
func checkOutput(t testing.TB, name, said string) {
	t.Helper()
	for _, never := range []string{"DATA RACE", "panic:", "fatal error:", mysqltest.Password} {
		if at := strings.Index(said, never); at >= 0 {
			t.Errorf("%s said %q:\n%s", name, never, said[at:min(len(said), at+4000)])
		}
	}
}

// output collects what is written to it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) tail() string {
	const most = 4000
	s := o.String()
	return s[max(0, len(s)-most):]
}

// PID is the process id of the current life.
func (p *Process) PID() int { return p.process.PID() }

// Running reports whether the current life has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.process.Done():
		return false
	default:
		return true
	}
}
