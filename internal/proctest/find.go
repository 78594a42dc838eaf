package proctest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// serverDirs hold servers but are not in everybody's PATH.
var serverDirs = []string{"/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/usr/libexec", "/opt/homebrew/bin"}

// Find returns the path of the first of the programs that exists, in PATH or
// where servers are usually installed.
func Find(programs ...string) (string, error) {
	for _, program := range programs {
		if path, err := exec.LookPath(program); err == nil {
			return filepath.Abs(path)
		}
		for _, dir := range serverDirs {
			if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("found no %s in PATH nor in %s", strings.Join(programs, " or "), strings.Join(serverDirs, ", "))
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago: whoever
// uses it must be ready to lose the race for it and ask again. It lies below
// the range from which kernels take the ports of outgoing connections, so that
// a server which is killed and started again finds its old port still free.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := 10000 + rand.IntN(22000)
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("find a free port between 10000 and 32000 on 127.0.0.1: %w", err)
}

// tail is the end of a log file, for an error message.
func tail(path string) string {
	const most = 2000
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}
