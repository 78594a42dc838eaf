package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

func TestAStateFileKeepsEveryComparison(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	f, err := OpenFile(path, "spec")
	require.NoError(t, err)
	require.Nil(t, f.State("job/far"))
	s := &State{Passes: 3, Folds: map[string]*folds{}}
	s.open(10)
	s.suspects.add("7", Missing)
	s.Folds[sourceSide] = &folds{}
	s.Folds[sourceSide].merge([]diff.Mark{{ID: 5, Hash: 1<<64 - 2}, {ID: 1 << 30, Hash: diff.NoHash}})
	require.NoError(t, f.Save("job/far", s))

	// A comparison that this run has not reached keeps its state.
	for range 2 {
		f, err = OpenFile(path, "spec")
		require.NoError(t, err)
		require.NoError(t, f.Save("job/near", &State{}))
	}
	found := f.State("job/far")
	found.open(10)
	require.Equal(t, s.suspects, found.suspects)
	require.Equal(t, s.Folds, found.Folds)
	require.Equal(t, 3, found.Passes)

	require.NoError(t, f.Remove())
	require.NoFileExists(t, path)
	require.NoError(t, f.Remove(), "twice is harmless")
}

func TestAStateFileOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.json")
	for text, why := range map[string]string{
		"{":                              "is no state of a comparison",
		`{"version":9,"spec":"spec"}`:    "has the version 9",
		`{"version":2,"spec":"another"}`: "of other tables or with other options",
		`{"version":2,"states":{"a":{"folds":{"source":"AAAA"}}}}`:                                  "damaged folds",
		`{"version":2,"states":{"a":{"folds":{"source":"` + strings.Repeat("////", 7) + `////"}}}}`: "damaged folds",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := OpenFile(path, "spec")
		require.ErrorIs(t, err, ErrState)
		require.ErrorContains(t, err, why)
	}
	_, err := OpenFile(t.TempDir(), "spec")
	require.ErrorIs(t, err, ErrState)
}

func TestAStateHoldsKeysAndNoOtherValue(t *testing.T) {
	t.Parallel()
	source, target := newMemory(numbered(t, 100)), newMemory(nil)
	var saved strings.Builder
	run(t, KeyedBuckets, source, target, func(o *Options) {
		o.Save = func(s *State) error { return json.NewEncoder(&saved).Encode(s) }
	})
	require.NotEmpty(t, saved.String())
	require.NotContains(t, saved.String(), "value of")
}
