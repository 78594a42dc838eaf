package mysqltest

import (
	"cmp"
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
	"time"

	"github.com/masixun71/cupid-go/internal/proctest"
)

// install is what to say when there is no server.
const install = "install one (Debian: apt-get install mariadb-server; macOS: brew install mariadb) or name a running one in " + EnvDSN

// startDaemon starts a server on a data directory of its own.
func startDaemon(options Options) (server *proctest.Server, socket string, err error) {
	program, err := proctest.Find("mariadbd", "mysqld")
	if err != nil {
		return nil, "", fmt.Errorf("the tests need a MariaDB or MySQL server: %w; %s", err, install)
	}
	template, err := dataTemplate(program)
	if err != nil {
		return nil, "", fmt.Errorf("prepare a data directory for %s: %w", program, err)
	}
	dir, err := proctest.NewDir()
	if err != nil {
		return nil, "", err
	}
	if err := prepare(dir, template); err != nil {
		return nil, "", errors.Join(err, dir.Remove())
	}
	socket = socketPath(dir)
	server, err = proctest.NewServer(proctest.ServerConfig{
		Program: program,
		Dir:     dir,
		Log:     logPath(dir),
		Ready:   func() bool { return accepts(socket) },
		Env:     options.env(),
		Args:    func(port int) []string { return options.args(dir, port) },
	})
	return server, socket, err
}

func socketPath(dir *proctest.Dir) string  { return dir.File("mysql.sock") }
func accountPath(dir *proctest.Dir) string { return dir.File("account.sql") }
func tempPath(dir *proctest.Dir) string    { return dir.File("tmp") }
func logPath(dir *proctest.Dir) string     { return dir.File("mysql.log") }

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
func prepare(dir *proctest.Dir, template string) error {
	if err := os.CopyFS(dir.File("data"), os.DirFS(filepath.Join(template, "data"))); err != nil {
		return fmt.Errorf("copy the data directory: %w", err)
	}
	if err := os.Mkdir(tempPath(dir), 0o700); err != nil {
		return fmt.Errorf("make a folder for temporary tables: %w", err)
	}
	account := fmt.Sprintf("CREATE USER IF NOT EXISTS '%[1]s'@'%%' IDENTIFIED BY '%[2]s';\nGRANT ALL ON *.* TO '%[1]s'@'%%' WITH GRANT OPTION;\n", User, Password)
	if err := os.WriteFile(accountPath(dir), []byte(account), 0o600); err != nil {
		return fmt.Errorf("write the account: %w", err)
	}
	return nil
}

func (o Options) env() []string {
	if o.SystemZone == "" {
		return nil
	}
	return []string{"TZ=" + o.SystemZone}
}

func (o Options) args(dir *proctest.Dir, port int) []string {
	flush := "--innodb-flush-log-at-trx-commit=0"
	if o.Durable {
		flush = "--innodb-flush-log-at-trx-commit=1"
	}
	args := append([]string{"--no-defaults"}, fixedArgs()...)
	args = append(args,
		"--datadir="+dir.File("data"),
		// A server that starts removes temporary tables from its folder; those of another one in use end that server.
		"--tmpdir="+tempPath(dir),
		"--init-file="+accountPath(dir),
		"--socket="+socketPath(dir),
		"--pid-file="+dir.File("pid"),
		"--log-error="+logPath(dir),
		"--bind-address=127.0.0.1",
		"--port="+strconv.Itoa(port),
		"--loose-mysqlx=OFF", // MySQL's second port
		"--skip-name-resolve",
		"--skip-log-bin",
		// Distributions differ in these, so every one is named.
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_general_ci",
		"--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
		"--default-time-zone="+cmp.Or(o.TimeZone, "+00:00"),
		flush,
		// Several run at once, beside the code under test.
		"--innodb-buffer-pool-size=64M",
		"--innodb-use-native-aio=OFF", // its kernel resources run out first
		"--performance-schema=OFF",
		"--max-connections=500",
	)
	return append(args, o.ExtraArgs...)
}

// accepts reports whether the server takes connections. The socket lies in our
// own directory, so whoever answers there is ours, and the server opens it
// after the port and after the account exists.
func accepts(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	// A server that is still starting lets a client wait for its greeting.
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	_, err = conn.Read(make([]byte, 1))
	return err == nil
}
