//go:build compose

package compose

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
)

// repairTime is what a row may take while others hold leases that must end first
// (30 s), a lock (10 s), or wait ten seconds for a retry; most take four.
const repairTime = 2 * time.Minute

// TestComposeLosesNothing is one long test: a stack takes a while to build and start.
func TestComposeLosesNothing(t *testing.T) { //nolint:paralleltest // it has the engine to itself
	s := newStack(t)
	began := time.Now()
	phase := func(what string) { t.Logf("%4.0f s  %s", time.Since(began).Seconds(), what) }

	phase("build")
	s.up(t, "build")
	s.upWith(t, next, "build", "scheduler")
	checkImage(t)

	phase("up")
	s.up(t, "up", "-d", "--no-build")
	c := newChecker(t, s.databasePort)
	workers := waitForHealth(t, "worker", 3)
	waitForHealth(t, "scheduler", 2)
	waitForHealth(t, "redis", 1)
	waitForHealth(t, "database", 1)
	checkContainers(t)
	c.waitForRepair(t)

	phase("a worker is killed")
	docker(t, "kill", workers[0])
	c.waitForRepair(t)
	docker(t, "start", workers[0])

	phase("a worker is paused beyond its leases, another one cut from the network")
	docker(t, "pause", workers[1])
	docker(t, "network", "disconnect", project+"_default", workers[2])
	c.waitForRepair(t)
	<-time.After(35 * time.Second) // the leases are 30 s long
	c.waitForRepair(t)
	docker(t, "unpause", workers[1])
	docker(t, "network", "connect", project+"_default", workers[2])
	waitForHealth(t, "worker", 3)
	c.waitForRepair(t)

	phase("the leading scheduler is killed")
	leader, _, _ := strings.Cut(redis(t, "HGET", key("spec"), "leader"), ":")
	docker(t, "kill", leader)
	eventually.Until(t, time.Minute, slowly(func() bool {
		now := redis(t, "HGET", key("spec"), "leader")
		return now != "" && !strings.HasPrefix(now, leader)
	}), "the other scheduler leads")
	c.waitForRepair(t)
	docker(t, "start", leader)

	phase("redis is killed, then restarted")
	id := containers(t, "redis")[0]
	docker(t, "kill", id)
	docker(t, "start", id)
	c.waitForRepair(t)
	docker(t, "restart", id)
	c.waitForRepair(t)

	for _, n := range []int{1, 5, 2} {
		phase(fmt.Sprintf("%d workers", n))
		s.up(t, "up", "-d", "--no-build", "--no-recreate", "--scale", "worker="+strconv.Itoa(n))
		waitForHealth(t, "worker", n)
		c.waitForRepair(t)
	}

	phase("another image")
	s.upWith(t, next, "up", "-d", "--no-build", "--no-deps", "--scale", "worker=2", "scheduler", "worker")
	waitForHealth(t, "worker", 2)
	waitForHealth(t, "scheduler", 2)
	checkVersions(t, 4)
	c.waitForRepair(t)

	phase("the pipeline ends")
	pipeline := containers(t, "pipeline")[0]
	docker(t, "stop", pipeline)
	lost := brokenBy(t, pipeline)
	settle(t, c)

	phase("stop")
	ids := append(containers(t, "scheduler"), containers(t, "worker")...)
	docker(t, append([]string{"stop"}, ids...)...)
	for _, id := range ids {
		require.Zero(t, inspect(t, id).State.ExitCode, "a stop lets %s finish", id)
	}
	phase(fmt.Sprintf("the pipeline broke %d rows, %s callbacks were delivered, and both tables are equal",
		lost, redis(t, "HGET", key("stats"), "delivered")))
}

// settle waits until the scan is at the last row, both tables are equal and nothing
// is open: what differed still would never have been seen, or been lost.
func settle(t *testing.T, c checker) {
	t.Helper()
	var differing, left []string
	var cursor string
	settled := eventually.Holds(repairTime, slowly(func() bool {
		differing, left, cursor = c.differing(t), open(t), redis(t, "HGET", key("cursor"), "insert:db.user")
		return len(differing) == 0 && len(left) == 0 && cursor == c.top(t)
	}))
	require.True(t, settled, "rows that differ: %s; open in Redis: %s; cursor %s", differing, left, cursor)
	require.Positive(t, counter(t, "closed_equal"))
}

var brokenSoFar = regexp.MustCompile(`written=\d+ lost=(\d+) corrupted=(\d+)`)

// brokenBy is how many rows the pipeline says that it has broken since its last start.
func brokenBy(t *testing.T, pipeline string) int {
	t.Helper()
	said := brokenSoFar.FindAllStringSubmatch(docker(t, "logs", pipeline), -1)
	require.NotEmpty(t, said)
	broken := 0
	for _, n := range said[len(said)-1][1:] {
		n, err := strconv.Atoi(n)
		require.NoError(t, err)
		broken += n
	}
	require.Positive(t, broken)
	return broken
}

// checkImage: one small image, of one program under three names, and nothing else in it.
func checkImage(t *testing.T) {
	t.Helper()
	var all []struct {
		Size   int64
		Config struct {
			User        string
			Labels      map[string]string
			Healthcheck *struct{ Test []string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(docker(t, "image", "inspect", image)), &all))
	i := all[0]
	require.LessOrEqual(t, i.Size, int64(60_000_000))
	require.Equal(t, "65534:65534", i.Config.User)
	require.NotNil(t, i.Config.Healthcheck)
	require.Equal(t, versionOf(image), i.Config.Labels["org.opencontainers.image.version"])
	t.Logf("the image has %d MB", i.Size/1_000_000)
	for _, command := range []string{"cupid", "scheduler", "worker"} {
		require.Contains(t, docker(t, "run", "--rm", image, "/"+command, "version"), command+" "+versionOf(image)+" (")
	}
	require.Error(t, exec.Command("docker", "run", "--rm", image, "/bin/sh", "-c", "true").Run(), "there is no shell")
}

// checkContainers: nothing is reached from other machines, and cupid may do little.
func checkContainers(t *testing.T) {
	t.Helper()
	for _, service := range []string{"scheduler", "worker", "redis", "database", "pipeline", "receiver"} {
		for _, id := range containers(t, service) {
			c := inspect(t, id)
			for port, published := range c.NetworkSettings.Ports {
				for _, p := range published {
					require.Equal(t, "127.0.0.1", p.IP, "%s publishes %s", c.Name, port)
				}
			}
			require.Positive(t, c.HostConfig.Memory, c.Name)
			if service != "redis" && service != "database" {
				require.True(t, c.HostConfig.ReadonlyRootfs, c.Name)
				require.Equal(t, []string{"ALL"}, c.HostConfig.CapDrop, c.Name)
				require.Equal(t, "65534:65534", c.Config.User, c.Name)
			}
		}
	}
}

// checkVersions waits until n processes are known and all of them are of the next image.
func checkVersions(t *testing.T, n int) {
	t.Helper()
	var versions []string
	same := eventually.Holds(repairTime, slowly(func() bool { // processes that are gone are forgotten after a while
		versions = nil
		for process := range strings.FieldsSeq(redis(t, "ZRANGE", "cupid:processes", "0", "-1")) {
			versions = append(versions, redis(t, "HGET", "cupid:process:"+process, "version"))
		}
		return len(versions) == n && strings.Join(versions, "") == strings.Repeat(versionOf(next), n)
	}))
	require.True(t, same, "versions of the processes: %s", versions)
}
