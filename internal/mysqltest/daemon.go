package mysqltest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/proctest"
)

// install is what to say when there is no server.
const install = "install one (Debian: apt-get install mariadb-server; macOS: brew install mariadb) or name a running one in " + EnvDSN

// daemon is a server process with its data directory. It can be ended and
// started again; the data, the port and the socket stay.
type daemon struct {
	program string
	dir     *proctest.Dir
	options Options
	port    int

	mu      sync.Mutex
	process *proctest.Process
}

func startDaemon(options Options) (*daemon, error) {
	program, err := proctest.Find("mariadbd", "mysqld")
	if err != nil {
		return nil, fmt.Errorf("the tests need a MariaDB or MySQL server: %w; %s", err, install)
	}
	template, err := dataTemplate(program)
	if err != nil {
		return nil, fmt.Errorf("prepare a data directory for %s: %w", program, err)
	}
	dir, err := proctest.NewDir()
	if err != nil {
		return nil, err
	}
	d := &daemon{program: program, dir: dir, options: options}
	if err := d.prepare(template); err != nil {
		return nil, errors.Join(err, dir.Remove())
	}
	if err := d.firstBoot(); err != nil {
		return nil, errors.Join(err, dir.Remove())
	}
	return d, nil
}

// dataTemplate returns a data directory as the server's own installer makes
// it. That takes seconds, a copy of it does not.
func dataTemplate(program string) (string, error) {
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask for the version: %w", err)
	}
	command := []string{program, "--no-defaults", "--initialize-insecure"}
	if strings.Contains(string(version), "MariaDB") {
		installer, err := proctest.Find("mariadb-install-db", "mysql_install_db")
		if err != nil {
			return "", fmt.Errorf("%w; %s", err, install)
		}
		command = []string{installer, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"}
	}
	command = append(command, fixedArgs()...)
	key := sha256.Sum256([]byte(string(version) + strings.Join(command, "\x00")))
	return proctest.Cached("mysql-"+hex.EncodeToString(key[:8]), func(dir string) error {
		output, err := exec.Command(command[0], append(command[1:], "--datadir="+filepath.Join(dir, "data"))...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", command[0], err, output)
		}
		return nil
	})
}

// fixedArgs are those that the installer and the server must agree on.
func fixedArgs() []string {
	args := []string{"--innodb-log-file-size=8M"} // a tenth of the default to copy for each server
	if os.Getuid() == 0 {
		args = append(args, "--user=root") // else it refuses to run as root
	}
	return args
}

// prepare copies the template and writes the statements that make the account.
func (d *daemon) prepare(template string) error {
	if err := os.CopyFS(d.dir.File("data"), os.DirFS(filepath.Join(template, "data"))); err != nil {
		return fmt.Errorf("copy the data directory: %w", err)
	}
	account := fmt.Sprintf("CREATE USER IF NOT EXISTS '%[1]s'@'%%' IDENTIFIED BY '%[2]s';\nGRANT ALL ON *.* TO '%[1]s'@'%%' WITH GRANT OPTION;\n", User, Password)
	if err := os.WriteFile(d.dir.File("account.sql"), []byte(account), 0o600); err != nil {
		return fmt.Errorf("write the account: %w", err)
	}
	return nil
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

// boot starts the process and returns when it takes connections.
func (d *daemon) boot() error {
	if d.running() {
		return errors.New("the server runs already")
	}
	cmd := exec.Command(d.program, d.args()...)
	process, err := proctest.Start(cmd)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.process = process
	d.mu.Unlock()
	ready := func() bool { return d.accepts() || !d.running() }
	if eventually.Holds(patience, ready) && d.running() {
		return nil
	}
	return errors.Join(fmt.Errorf("%s did not come up; the end of its log:\n%s", d.program, proctest.Tail(d.log())), process.Kill())
}

func (d *daemon) args() []string {
	timeZone := d.options.TimeZone
	if timeZone == "" {
		timeZone = "+00:00"
	}
	flush := "--innodb-flush-log-at-trx-commit=0"
	if d.options.Durable {
		flush = "--innodb-flush-log-at-trx-commit=1"
	}
	args := append([]string{"--no-defaults"}, fixedArgs()...)
	args = append(args,
		"--datadir="+d.dir.File("data"),
		"--init-file="+d.dir.File("account.sql"),
		"--socket="+d.socket(),
		"--pid-file="+d.dir.File("pid"),
		"--log-error="+d.log(),
		"--bind-address=127.0.0.1",
		"--port="+strconv.Itoa(d.port),
		"--loose-mysqlx=OFF", // MySQL's second port
		"--skip-name-resolve",
		"--skip-log-bin",
		// Distributions differ in these, so every one is named.
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_general_ci",
		"--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
		"--default-time-zone="+timeZone,
		flush,
		// Several run at once, beside the code under test.
		"--innodb-buffer-pool-size=64M",
		"--innodb-use-native-aio=OFF", // its kernel resources run out first
		"--performance-schema=OFF",
		"--max-connections=500",
	)
	return append(args, d.options.ExtraArgs...)
}

// accepts reports whether the server takes connections. The socket lies in our
// own directory, so whoever answers there is ours, and the server opens it
// after the port and after the account exists.
func (d *daemon) accepts() bool {
	conn, err := net.DialTimeout("unix", d.socket(), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	// A server that is still starting lets a client wait for its greeting.
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	_, err = conn.Read(make([]byte, 1))
	return err == nil
}

func (d *daemon) addr() string   { return net.JoinHostPort("127.0.0.1", strconv.Itoa(d.port)) }
func (d *daemon) socket() string { return d.dir.File("mysql.sock") }
func (d *daemon) log() string    { return d.dir.File("mysql.log") }

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

// remove ends the process and deletes its data; no good order is needed for
// what nobody will read again.
func (d *daemon) remove() error {
	return errors.Join(d.kill(), d.dir.Remove())
}
