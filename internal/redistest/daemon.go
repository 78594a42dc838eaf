package redistest

import (
	"bufio"
	"fmt"
	"net"
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
	return proctest.NewServer(proctest.ServerConfig{
		Program: program,
		Dir:     dir,
		Log:     log,
		Ready:   func() bool { return answers(socket) },
		Args: func(port int) []string {
			return append([]string{
				"--bind", "127.0.0.1",
				"--port", strconv.Itoa(port),
				"--unixsocket", socket,
				"--dir", dir.Path,
				"--logfile", log,
			}, options.args()...)
		},
	})
}

func (o Options) args() []string {
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
