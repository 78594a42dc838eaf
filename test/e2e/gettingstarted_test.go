//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/proctest"
)

// sessionPrelude has the page's pauses last until what they wait for has happened: a test's machine may be slower than
// a reader's. What the session began ends with it, also half-way.
const sessionPrelude = `set -euo pipefail
unset WEBHOOK_SECRET # of another page; the receiver would ask for it
trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT
pauses=0
sleep() {
	if [ "$1" = 1 ]; then command sleep 0.2; return; fi
	pauses=$((pauses + 1))
	case $pauses in
	1) happens 'INFO repaired' 2 cat "$DEMO/receiver.log" ;;
	2) happens 'db2.user:db.user:3' 1 redis-cli -p 16390 ZRANGE 'cupid:{db.user}:callbacks:retry' 0 -1 ;;
	3) happens '3 closed equal' 1 bin/cupid status -c "$DEMO/cupid.yaml"; happens 'alive and ready' 3 bin/cupid health -c "$DEMO/cupid.yaml" ;;
	4) happens 'Ada Lovelace' 1 mariadb --socket="$DEMO/mysql.sock" -uroot -e 'SELECT name FROM db2.user' ;;
	5) happens 'Barbara' 1 mariadb --socket="$DEMO/mysql.sock" -uroot -e 'SELECT name FROM db2.user' ;;
	*) echo "the page has a pause that nobody knows"; return 1 ;;
	esac
}
happens() { # what, how often, in what a command says
	local what=$1 often=$2 tries=0
	shift 2
	until [ "$("$@" | grep -c "$what")" -ge "$often" ]; do
		tries=$((tries + 1))
		[ $tries -lt 900 ] || { echo "never: $what"; tail -n 20 "$DEMO"/*.log; return 1; }
		command sleep 0.2
	done
}
`

// TestTheFirstSessionGoesAsItIsPrinted types the page for newcomers from its first line to its last, in one shell.
func TestTheFirstSessionGoesAsItIsPrinted(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	home, err := os.MkdirTemp("", "cupid") //nolint:usetesting // short: the path of a socket has 108 bytes
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(home)) })
	here := []string{"make build\n", "", `"$HOME/cupid-demo"`, `"` + home + `/demo"`, "bin/", binariesDir(t) + "/"}
	for _, port := range []string{"13310", "16390", "20080"} {
		free, err := proctest.FreePort()
		require.NoError(t, err)
		here = append(here, port, strconv.Itoa(free))
	}
	blocks := blocksOf(t, inOrder)
	require.Greater(t, len(blocks), 10)
	session := strings.NewReplacer(here...).Replace(sessionPrelude + strings.Join(blocks, "\n"))
	out, err := shell(t, root, session)
	require.NoError(t, err, out)
	for _, want := range []string{"type=1 attempt=1", "type=2 attempt=1", "n2\tGrace\nn3\tEdsger\n", "refused", "n3\tEdsger W.\n", "scheduler ", "3 closed equal", "n1\tAda Lovelace\n", "n4\tBarbara\n"} {
		require.Contains(t, out, want)
	}
	require.NoDirExists(t, filepath.Join(home, "demo"), "it is cleaned up")
}
