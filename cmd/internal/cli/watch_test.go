package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWatchShowsAgainUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		n := 0
		show := func(_ context.Context, out io.Writer) error {
			if n++; n == 2 {
				return errors.New("redis is away")
			}
			fmt.Fprintf(out, "page %d\n", n)
			return nil
		}
		done := make(chan error)
		go func() { done <- watch(ctx, &out, 2*time.Second, show) }()
		time.Sleep(5 * time.Second)
		cancel()
		require.NoError(t, <-done)
		require.Equal(t, "page 1\n\nno answer: redis is away\n\npage 3\n\n", out.String())
	})
}

func TestWatchEndsWithAMistake(t *testing.T) {
	t.Parallel()
	path, _, _ := onRedis(t)
	code, _, console := call(t, "status", "--watch=1ms", "-c", path)
	require.Equal(t, 2, code)
	require.Contains(t, console, "--watch=1ms: want a pause of at least 100ms, such as --watch=5s")
	code, _, console = call(t, "jobs", "--watch", "-c", "/nowhere.yaml")
	require.Equal(t, 2, code, console)
}

func TestATerminalIsWrittenOver(t *testing.T) {
	t.Parallel()
	require.Equal(t, "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J", terminalFrame("a\nb\n"))
}
