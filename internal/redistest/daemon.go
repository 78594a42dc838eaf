package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/proctest"
)

// daemon is a server process with its directory. It can be ended and started
// again; the port and, with AOF, the data stay.
type daemon struct {
	program string
	dir     *proctest.Dir
	options Options
	port    int

	mu      sync.Mutex
	process *proctest.Process
}

func startDaemon(options Options) (*daemon, error) {
	program, err := proctest.Find("redis-server")
	if err != nil {
		return nil, fmt.Errorf("the tests need a Redis server: %w; install one (Debian: apt-get install redis-server; macOS: brew install redis) or name a running one in %s", err, EnvAddr)
	}
	dir, err := proctest.NewDir()
	if err != nil {
		return nil, err
	}
	d := &daemon{program: program, dir: dir, options: options}
	if err := d.firstBoot(); err != nil {
		return nil, errors.Join(err, dir.Remove())
	}
	return d, nil
}

// firstBoot looks for a port until the server got it: between the look and the
// start somebody else may take it.
func (d *daemon) firstBoot() (err error) {
	for range 5 {
		if d.port, err = proctest.FreePort(); err != nil {
			return err
		}
		if err = d.boot(); err == nil {
			return nil
		}
	}
	return err
}

// boot starts the process and returns when it answers, its data loaded.
func (d *daemon) boot() error {
	if d.running() {
		return errors.New("the server runs already")
	}
	process, err := proctest.Start(exec.Command(d.program, d.args()...))
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.process = process
	d.mu.Unlock()
	ready := func() bool { return d.answers() || !d.running() }
	if eventually.Holds(patience, ready) && d.running() {
		return nil
	}
	return errors.Join(fmt.Errorf("%s did not come up; the end of its log:\n%s", d.program, proctest.Tail(d.log())), process.Kill())
}

func (d *daemon) args() []string {
	args := []string{
		"--bind", "127.0.0.1",
		"--port", strconv.Itoa(d.port),
		"--unixsocket", d.socket(),
		"--dir", d.dir.Path,
		"--logfile", d.log(),
		"--save", "",
		"--appendonly", "no",
	}
	if d.options.AOF {
		args = append(args, "--appendonly", "yes", "--appendfsync", "everysec")
	}
	if d.options.MaxMemory != "" {
		args = append(args, "--maxmemory", d.options.MaxMemory, "--maxmemory-policy", "noeviction")
	}
	return append(args, d.options.ExtraArgs...)
}

// answers reports whether the server takes commands. The socket lies in our
// own directory, so whoever answers there is ours.
func (d *daemon) answers() bool {
	conn, err := net.DialTimeout("unix", d.socket(), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	// It says -LOADING while it reads its data, and -NOAUTH when ExtraArgs set a password.
	return err == nil && (line == "+PONG\r\n" || len(line) > 7 && line[:7] == "-NOAUTH")
}

func (d *daemon) addr() string   { return net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port)) }
func (d *daemon) socket() string { return d.dir.File("redis.sock") }
func (d *daemon) log() string    { return d.dir.File("redis.log") }

func (d *daemon) current() *proctest.Process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.process
}

func (d *daemon) running() bool {
	process := d.current()
	if process == nil {
		return false
	}
	select {
	case <-process.Done():
		return false
	default:
		return true
	}
}

func (d *daemon) kill() error   { return d.current().Kill() }
func (d *daemon) pause() error  { return d.current().Pause() }
func (d *daemon) resume() error { return d.current().Resume() }
func (d *daemon) stop() error   { return d.current().Stop(patience) }

// remove ends the process and deletes its data.
func (d *daemon) remove() error {
	return errors.Join(d.kill(), d.dir.Remove())
}
