package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests run one after the other: the database server keeps its status in
// variables of the process, which a second one would write while the first reads.

func TestEveryBrokenRowIsRepaired(t *testing.T) {
	var out bytes.Buffer
	code := run([]string{"--rows=300", "--live=1s", "--seed=7"}, &out)
	require.Zero(t, code, out.String())
	require.Regexp(t, `(?m)^  left different +0$`, out.String())
	require.NotContains(t, out.String(), "still open")
}

func TestKeepRunsUntilItIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &waitFor{text: "Ctrl-C", found: cancel}
	s, err := play(ctx, options{rows: 300, live: time.Second, seed: 1, keep: true}, newNarrator(out))
	require.NoError(t, err, out.String())
	require.Contains(t, out.String(), "cupid status -c")

	require.True(t, s.good(), out.String())
	require.Positive(t, s.broken.lost)
	require.Positive(t, s.broken.different())
	// A machine that is too slow gets called for rows that are only late, too.
	require.GreaterOrEqual(t, sum(s.called), s.broken.lost+s.broken.different())
	require.Equal(t, s.called, s.repaired)
	require.GreaterOrEqual(t, s.closed, s.broken.lost+s.broken.different())
}

// waitFor calls found when text was written to it.
type waitFor struct {
	bytes.Buffer
	text  string
	found func()
}

func (w *waitFor) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(w.text)) {
		w.found()
	}
	return w.Buffer.Write(line)
}

func TestSameSeedBreaksTheSameRows(t *testing.T) {
	require.Equal(t, broken(t, 3), broken(t, 3))
	require.NotEqual(t, broken(t, 3), broken(t, 4))
}

// broken gives what the destination holds after the pipeline alone.
func broken(t *testing.T, seed uint64) map[int64]user {
	t.Helper()
	w, err := buildWorld(t.Context(), options{seed: seed}, newNarrator(&bytes.Buffer{}))
	require.NoError(t, err)
	defer func() { require.NoError(t, w.close()) }()
	require.NoError(t, w.pipeline.history(t.Context(), 300))
	left, err := countDifferent(t.Context(), w.source, w.copied)
	require.NoError(t, err)
	require.Equal(t, w.pipeline.broken.lost+w.pipeline.broken.different(), left)
	have, err := all(t.Context(), w.copied)
	require.NoError(t, err)
	return have
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	var out bytes.Buffer
	require.Equal(t, 2, run([]string{"--rows=many"}, &out))
	require.Contains(t, out.String(), "Usage of quickstart")
	require.Equal(t, 0, run([]string{"--help"}, &out))
}
