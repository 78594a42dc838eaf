//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// elsewhere are the programs whose blocks are not run here, and why. All others are: a
// page can hold no command that nobody has run.
var elsewhere = map[string]string{
	"docker":     "test/compose runs docker-compose.yml, where an engine is",
	"kubectl":    "test/manifests holds the manifests against their parsers; a cluster is nowhere at hand",
	"systemctl":  "systemd_test.go reads the units; an init system is nowhere at hand",
	"ssh":        "wants another host",
	"make":       "the targets of the Makefile are what runs the tests",
	"go":         "programs of the tree, each with a test of its own",
	"sha256sum":  "wants an unpacked release, which scripts/ builds and looks at",
	"https://":   "an address that stands for the reader's",
	"CUPID_TEST": "how tests are run",
}

// inOrder is the page whose blocks are one session that starts servers of its own: TestTheFirstSessionGoesAsItIsPrinted runs it.
const inOrder = "docs/getting-started.md"

var (
	shellBlock = regexp.MustCompile("(?s)\n```sh\n(.*?)\n```")
	// endless are lines that go on until somebody interrupts them.
	endless = regexp.MustCompile(`(?m)^((?:[A-Z_]+=(?:\$\([^)]*\)|[^\s])+ )*)((?:bin/)?(?:scheduler|worker) .*|(?:bin/)?cupid -c .*|.* --watch.*|redis-cli SUBSCRIBE .*)$`)
	// answers are commands that say with 1 that what they found is not as it should be.
	answers = regexp.MustCompile(`(?m)^(?:bin/)?cupid (?:row|check|doctor|health) .*$`)
)

// prelude is what a block is run behind.
const prelude = `set -euo pipefail
until_interrupted() { # runs well until then
	local code=0
	timeout --preserve-status -s INT 4 "$@" || code=$?
	[ $code = 0 ] || [ $code = 130 ]
}
answers() { local code=0; "$@" || code=$?; [ $code -le 1 ]; }
`

// TestTheCommandsOfThePagesWork types what README and docs propose, page by page, on a fleet whose
// receiver is down, so that there is something to look at.
func TestTheCommandsOfThePagesWork(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	w.Fill(t, 1, 1000)
	w.CopyAll(t)
	w.Exec(t, "DELETE FROM db2.user WHERE number IN ('n201', 'n202', 'n401')")
	w.Receiver.Behave(callbacktest.Always(http.StatusBadGateway))
	config := w.SeedConfig(t)
	all := launch(t, w, config, 1, 1)
	fleet.WaitForReady(t, all...)
	eventually.Until(t, time.Minute, func() bool {
		return w.Redis.Client.Exists(t.Context(), fleet.Key("callback:db2.user:db.user:202")).Val() == 1
	}, "a callback is open")
	host, err := os.Hostname()
	require.NoError(t, err)
	dir := workplace(t, w)
	here := strings.NewReplacer(
		"cp configs/seed.json /tmp/myConfig.json", "cp configs/seed.json copied.json", "/etc/cupid/cupid.yaml", config, "/tmp/myConfig.json", config, "-c cupid.yaml", "-c "+config,
		"127.0.0.1:8321", all[0].Addr, "127.0.0.1:8322", all[1].Addr, "10.0.0.5:0", "127.0.0.1:0", "node-3:4711", fmt.Sprintf("%s:%d", host, all[1].PID()),
		"/etc/bash_completion.d/cupid", filepath.Join(dir, "completion"), "cupid jobs rm db.user", "redis-cli SADD cupid:jobs retired\ncupid jobs rm retired", // one that nobody runs
	)

	ran := 0
	for _, page := range pagesInOrder(t) {
		for _, block := range blocksOf(t, page) {
			if why := notHere(block); why != "" {
				continue
			}
			text := answers.ReplaceAllString(endless.ReplaceAllString(here.Replace(block), "${1}until_interrupted $2"), "answers $0")
			out, err := shell(t, dir, prelude+text)
			if ran++; err != nil {
				t.Errorf("%s: %v:\n%s\n%s", page, err, text, out)
			}
		}
	}
	t.Logf("%d blocks were run", ran)
	require.Greater(t, ran, 40)
}

// notHere says why a block is not run; "" when it is.
func notHere(block string) string {
	for line := range strings.SplitSeq(block, "\n") {
		for program, why := range elsewhere {
			if regexp.MustCompile(`(^|\s|=)`+regexp.QuoteMeta(program)).MatchString(line) && !strings.HasPrefix(line, "#") {
				return why
			}
		}
	}
	return ""
}

// pagesInOrder ends with the page that shows how to take everything away.
func pagesInOrder(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	pages := []string{"README.md", "CONTRIBUTING.md"}
	for _, path := range found {
		if page := "docs/" + filepath.Base(path); page != "docs/redis.md" && page != inOrder {
			pages = append(pages, page)
		}
	}
	return append(pages, "docs/redis.md")
}

func blocksOf(t *testing.T, page string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	require.NoError(t, err)
	for _, m := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

func binariesDir(t *testing.T) string {
	t.Helper()
	return filepath.Dir(fleet.Command(t, nil, fleet.Cupid).Path)
}

// workplace is a folder as a reader has it: bin, configs, and a redis-cli that finds this world's server.
func workplace(t *testing.T, w *fleet.World) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(binariesDir(t), filepath.Join(dir, "bin")))
	require.NoError(t, os.Symlink(filepath.Join(root, "configs"), filepath.Join(dir, "configs")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "path"), 0o755))
	_, port, err := net.SplitHostPort(w.Redis.Addr)
	require.NoError(t, err)
	client, err := exec.LookPath("redis-cli")
	require.NoError(t, err)
	wrapper := fmt.Sprintf("#!/bin/sh\nexec %s -e -p %s \"$@\"\n", client, port) // -e: an error of Redis is one of the command
	require.NoError(t, os.WriteFile(filepath.Join(dir, "path", "redis-cli"), []byte(wrapper), 0o700))
	environment := "CUPID_NOTIFY_PUSHBEAR_BASE_URL=" + w.Alerts.URL
	require.NoError(t, os.WriteFile(filepath.Join(dir, "environment"), []byte(environment), 0o600))
	return dir
}

// shell runs a script in a folder, and gives all that it printed.
func shell(t *testing.T, dir, script string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir, c.WaitDelay = dir, 5*time.Second
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it began ends with it
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.Env = append(os.Environ(), "TZ=UTC", "PATH="+filepath.Join(dir, "path")+":"+binariesDir(t)+":"+os.Getenv("PATH"))
	// What the page about signatures takes from a request.
	c.Env = append(c.Env, "WEBHOOK_ID=a", "WEBHOOK_TIMESTAMP=1", "BODY={}", "WEBHOOK_SECRET=whsec_c2VjcmV0")
	if environment, err := os.ReadFile(filepath.Join(dir, "environment")); err == nil {
		c.Env = append(c.Env, string(environment))
	}
	out, err := c.CombinedOutput()
	return string(out), err
}
