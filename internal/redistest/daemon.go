package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/internal/proctest"
)

// startDaemon starts a redis-server.
func startDaemon(options Options) (*proctest.Server, error) {
	program, err := proctest.Find("redis-server")
	if err != nil {
		return nil, fmt.Errorf("the tests need a Redis server: %w; install one (Debian: apt-get install redis-server; macOS: brew install redis) or name a running one in %s", err, EnvAddr)
	}
	dir, err := proctest.NewDir()
	if err != nil {
		return nil, err
	}
	socket, log := dir.File("redis.sock"), dir.File("redis.log")
	var first []string
	if options.sentinel != "" {
		conf := dir.File("sentinel.conf") // which it writes
		if err := os.WriteFile(conf, []byte(options.sentinel), 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("write the sentinel's config: %w", err), dir.Remove())
		}
		first = []string{conf, "--sentinel"}
	}
	return proctest.NewServer(proctest.ServerConfig{
		Program: program,
		Dir:     dir,
		Log:     log,
		Env:     options.Env,
		Ready:   func() bool { return answers(socket) },
		Args: func(port int) []string {
			return slices.Concat(first, []string{
				"--bind", "127.0.0.1",
				"--port", strconv.Itoa(port),
				"--unixsocket", socket,
				"--dir", dir.Path,
				"--logfile", log,
			}, options.args())
		},
	})
}

func (o Options) args() []string {
	if o.sentinel != "" {
		return o.ExtraArgs
	}
	args := []string{"--save", ""}
	if o.AOF {
		args = append(args, "--appendonly", "yes", "--appendfsync", "everysec")
	} else {
		args = append(args, "--appendonly", "no")
	}
	if o.MaxMemory != "" {
		args = append(args, "--maxmemory", o.MaxMemory, "--maxmemory-policy", "noeviction")
	}
	return append(args, o.ExtraArgs...)
}

// answers reports whether the server behind the socket takes commands.
func answers(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
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
	return err == nil && (line == "+PONG\r\n" || strings.HasPrefix(line, "-NOAUTH"))
}
