//go:build compose

package compose

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/proctest"
)

const (
	project = "cupid-e2e"
	image   = "cupid:e2e"
	next    = "cupid:e2e-next" // what is rolled out
)

// stack is docker-compose.yml as a user runs it, under a project name and on ports
// of its own.
type stack struct {
	compose      []string // the command: version 2 or 1.29
	databasePort int
}

func newStack(t *testing.T) *stack {
	t.Helper()
	port, err := proctest.FreePort()
	require.NoError(t, err)
	s := &stack{compose: []string{"docker-compose"}, databasePort: port}
	if exec.Command("docker", "compose", "version").Run() == nil {
		s.compose = []string{"docker", "compose"}
	}
	s.up(t, "down", "--volumes", "--timeout", "0") // of a run that was killed
	t.Cleanup(func() {
		if t.Failed() {
			for _, service := range []string{"scheduler", "worker", "receiver", "pipeline"} {
				t.Log(s.up(t, "logs", "--no-color", "--tail=30", service))
			}
		}
		s.up(t, "down", "--volumes", "--timeout", "0")
	})
	return s
}

// up runs compose on the file, with the image that is in force.
func (s *stack) up(t testing.TB, args ...string) string {
	t.Helper()
	return s.upWith(t, image, args...)
}

func (s *stack) upWith(t testing.TB, image string, args ...string) string {
	t.Helper()
	command := exec.Command(s.compose[0], append(slices.Clone(s.compose[1:]), args...)...)
	command.Dir = "../.."
	command.Env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+project, "CUPID_IMAGE="+image,
		"CUPID_PORTS=0", "DATABASE_PORT="+strconv.Itoa(s.databasePort), "VERSION="+versionOf(image))
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s: %s", strings.Join(command.Args, " "), output)
	return string(output)
}

// versionOf is what an image of the test is built as.
func versionOf(image string) string {
	if image == next {
		return "v0.0.2"
	}
	return "v0.0.1"
}

// docker runs the engine's client.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	output, err := exec.Command("docker", args...).CombinedOutput()
	require.NoError(t, err, "docker %s: %s", strings.Join(args, " "), output)
	return strings.TrimSpace(string(output))
}

// containers are the ids of a service's containers that have not ended.
func containers(t testing.TB, service string) []string {
	t.Helper()
	return strings.Fields(docker(t, "ps", "--quiet", "--filter", "label=com.docker.compose.project="+project,
		"--filter", "label=com.docker.compose.service="+service))
}

// container is what docker inspect says of one.
type container struct {
	Name   string
	Image  string
	Config struct{ User string }
	State  struct {
		Health   *struct{ Status string }
		ExitCode int
	}
	HostConfig struct {
		ReadonlyRootfs bool
		Memory         int64
		CapDrop        []string
	}
	NetworkSettings struct {
		Ports map[string][]struct {
			IP string `json:"HostIp"`
		}
	}
}

func inspect(t testing.TB, id string) container {
	t.Helper()
	var all []container
	require.NoError(t, json.Unmarshal([]byte(docker(t, "inspect", id)), &all))
	return all[0]
}

// waitForHealth waits until n containers of a service are healthy, and gives their ids.
func waitForHealth(t testing.TB, service string, n int) []string {
	t.Helper()
	const limit = 3 * time.Minute
	var ids []string
	healthy := eventually.Holds(limit, slowly(func() bool {
		ids = containers(t, service)
		for _, id := range ids {
			if health := inspect(t, id).State.Health; health == nil || health.Status != "healthy" {
				return false
			}
		}
		return len(ids) == n
	}))
	require.True(t, healthy, "%d containers of %s are healthy within %s; there are %d", n, service, limit, len(ids))
	return ids
}

// slowly keeps a condition that starts programs from being asked all the time.
func slowly(condition func() bool) func() bool {
	return func() bool {
		<-time.After(500 * time.Millisecond)
		return condition()
	}
}

// redis runs a command with redis-cli inside the container, as a user looks at the queues.
func redis(t testing.TB, args ...string) string {
	t.Helper()
	var output []byte
	var err error
	answered := eventually.Holds(time.Minute, slowly(func() bool { // it may be starting
		ids := containers(t, "redis")
		if len(ids) != 1 {
			return false
		}
		output, err = exec.Command("docker", append([]string{"exec", ids[0], "redis-cli"}, args...)...).CombinedOutput()
		return err == nil
	}))
	require.True(t, answered, "redis-cli %s: %s", strings.Join(args, " "), output)
	return strings.TrimSpace(string(output))
}

// key is a key of the demo's job.
func key(name string) string { return "cupid:{db.user}:" + name }

// counter is one of the job's counters.
func counter(t testing.TB, name string) int {
	t.Helper()
	text := redis(t, "HGET", key("stats"), name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// open lists the keys of work that is not finished; Redis deletes what is empty.
func open(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, kind := range []string{"range", "callback"} {
		all = append(all, strings.Fields(redis(t, "--scan", "--pattern", fmt.Sprintf("cupid:{db.user}:%s*", kind)))...)
	}
	return all
}
