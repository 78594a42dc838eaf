//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/test/fleet"
)

// figure is one line of the report.
type figure struct {
	what, value, limit, ratio, memory string
}

// report is the table of figures beside the database's own limit.
func report(t testing.TB, rows int, figures []figure) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows on each side, one in %d damaged, one database server, %d cores, %s %s.\n\n", rows, every, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	b.WriteString("| figure | measured | the database's own limit | ratio | memory |\n| --- | --- | --- | --- | --- |\n")
	for _, f := range figures {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.what, f.value, f.limit, f.ratio, f.memory)
	}
	publish(t, b.String())
}

// table is a report of lines that have a name and what was measured, each.
func table(t testing.TB, about string, lines [][2]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(about + "\n\n| figure | measured |\n| --- | --- |\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "| %s | %s |\n", l[0], l[1])
	}
	publish(t, b.String())
}

// publish prints a report, and adds it to the file that REPORT names.
func publish(t testing.TB, text string) {
	t.Helper()
	t.Log("\n" + text)
	path := os.Getenv("REPORT")
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(text + "\n")
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func ratio(d, limit time.Duration) string { return fmt.Sprintf("%.2f ×", d.Seconds()/limit.Seconds()) }

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", bytes>>20) }

// run runs a command to its end and gives its exit code, time, greatest memory and output.
func run(t testing.TB, command string, args ...string) (code int, took time.Duration, rss int64, stdout string) {
	t.Helper()
	c := fleet.Command(t, nil, command, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	began := time.Now()
	err := c.Run()
	took = time.Since(began)
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit, errs.String())
	}
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(t, ok)
	if c.ProcessState.ExitCode() == 2 {
		require.Fail(t, "the command could not do it", errs.String())
	}
	return c.ProcessState.ExitCode(), took, usage.Maxrss << 10, out.String()
}
