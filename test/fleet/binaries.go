package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/proctest"
)

const module = "github.com/masixun71/cupid-go"

// The commands.
const (
	Scheduler = "scheduler"
	Worker    = "worker"
	Cupid     = "cupid"
)

// BuildFlags are further flags of go build; they count until the first command is run.
var BuildFlags []string

// binaries builds the commands once per test binary, with the race detector when it has it too.
var (
	binaries = sync.OnceValues(build)
	built    string
)

func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "cupid-bin-*"); err != nil {
		return "", fmt.Errorf("make a directory for the commands: %w", err)
	}
	built = dir
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if race {
		args = append(args, "-race")
	}
	args = append(args, BuildFlags...)
	for _, command := range []string{Scheduler, Worker, Cupid} {
		args = append(args, module+"/cmd/"+command)
	}
	if output, err := exec.CommandContext(context.Background(), "go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the commands: %w\n%s", err, output)
	}
	return dir, nil
}

// RemoveBinaries deletes what was built; it belongs into TestMain.
func RemoveBinaries() {
	if built == "" {
		return
	}
	if err := os.RemoveAll(built); err != nil {
		fmt.Fprintf(os.Stderr, "fleet: remove the commands: %v\n", err)
	}
}

// Command prepares a run of a command as users start it: in UTC, whatever the
// zone of the database, and with no other settings than env ("NAME=value").
func Command(t testing.TB, env []string, command string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(dir, command), args...)
	c.Env = append([]string{"TZ=UTC", "HOME=" + os.Getenv("HOME"), "PATH=" + os.Getenv("PATH")}, env...)
	return c
}

// Result is how a command ended by itself.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs a command to its end, which must come by itself, and checks what
// nothing that it prints may hold.
func Run(t testing.TB, env []string, command string, args ...string) Result {
	t.Helper()
	c := Command(t, env, command, args...)
	var stdout, stderr output
	c.Stdout, c.Stderr = &stdout, &stderr
	p, err := proctest.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(patience):
		t.Fatalf("%s runs on instead of ending: %v\n%s", command, p.Kill(), stderr.String())
	}
	checkOutput(t, command, stdout.String()+stderr.String())
	return Result{Code: c.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
}

// Name tells the processes of one command apart.
func Name(command string, n int) string { return fmt.Sprintf("%s-%d", command, n) }
