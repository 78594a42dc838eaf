package proctest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/internal/eventually"
)

// patience bounds the wait for a server's start and end; only a broken one needs it.
const patience = 30 * time.Second

// ServerConfig says how to run a server on a port of 127.0.0.1.
type ServerConfig struct {
	Program string
	Dir     *Dir // the server's own, removed with it
	// Args are the arguments for a port.
	Args func(port int) []string
	// Env are variables besides those of this process.
	Env []string
	// Ready reports whether the server serves. It must ask in a way that only
	// this server can answer, for example over a unix socket in Dir: the port
	// may be another's.
	Ready func() bool
	// Log is the path of the log file, shown when the start fails.
	Log string
}

// Server is a server process that can be ended and started again, at the same
// address and with the same directory.
type Server struct {
	config ServerConfig
	port   int

	mu      sync.Mutex
	process *Process
}

// NewServer starts a server and returns when it serves. If that fails, nothing
// is left, not even the directory.
func NewServer(config ServerConfig) (*Server, error) {
	s := &Server{config: config}
	if err := s.firstBoot(); err != nil {
		return nil, errors.Join(err, config.Dir.Remove())
	}
	return s, nil
}

// firstBoot looks for a port until the server got it: between the look and the
// start somebody else may take it.
func (s *Server) firstBoot() (err error) {
	for range 5 {
		if s.port, err = FreePort(); err != nil {
			return err
		}
		if err = s.Boot(); err == nil {
			return nil
		}
	}
	return err
}

// Boot starts the process again after it ended, and returns when it serves.
func (s *Server) Boot() error {
	if s.Running() {
		return errors.New("the server runs already")
	}
	command := exec.Command(s.config.Program, s.config.Args(s.port)...)
	command.Env = append(os.Environ(), s.config.Env...)
	process, err := Start(command)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.process = process
	s.mu.Unlock()
	ready := func() bool { return s.config.Ready() || !s.Running() }
	if eventually.Holds(patience, ready) && s.Running() {
		return nil
	}
	return errors.Join(
		fmt.Errorf("%s did not come up; the end of its log:\n%s", s.config.Program, tail(s.config.Log)),
		process.Kill())
}

// Addr is the TCP address.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Running reports whether the process lives, paused or not.
func (s *Server) Running() bool {
	process := s.current()
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

// Kill ends the process with SIGKILL.
func (s *Server) Kill() error { return s.current().Kill() }

// Pause makes the process hang.
func (s *Server) Pause() error { return s.current().Pause() }

// Resume ends a Pause.
func (s *Server) Resume() error { return s.current().Resume() }

// Stop ends the process in good order.
func (s *Server) Stop() error { return s.current().Stop(patience) }

// Remove kills the process and deletes its directory; no good order is needed
// for data that nobody will read again.
func (s *Server) Remove() error { return errors.Join(s.Kill(), s.config.Dir.Remove()) }

// String says what runs where.
func (s *Server) String() string {
	return s.config.Program + " at " + s.Addr()
}

func (s *Server) current() *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}
