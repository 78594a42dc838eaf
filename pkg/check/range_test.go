package check

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func compareRange(t *testing.T, p Pair, after, upto job.Point, rows int) (Stretch, error) {
	t.Helper()
	ranges, err := NewRanges(p)
	require.NoError(t, err)
	return ranges.Compare(t.Context(), after, upto, rows)
}

func TestRangeNamesWhatTheDestinationLacksOrHasOtherwise(t *testing.T) {
	t.Parallel()
	rows := numbered(t, 1000)
	other := numbered(t, 1200) // the keys behind 1000 are the destination's alone
	other[41].value = "another"
	other = append(other[:99], other[100:]...)
	pair := Pair{Strategy: RangeChecksum, Source: newMemory(rows), Target: newMemory(other), Relation: relation}
	for _, after := range []job.Point{{}, job.KeyPoint("10")} {
		found, err := compareRange(t, pair, after, job.KeyPoint("1100"), 1000)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"42", "100"}, found.Suspects)
	}
	equal, err := compareRange(t, pair, job.KeyPoint("100"), job.KeyPoint("1000"), 1000)
	require.NoError(t, err)
	require.Equal(t, Stretch{Rows: 900}, equal)
}

// A range may be as large as its config says: what a whole comparison only
// counts, a worker would lose.
func TestRangeForgetsNoSuspectHoweverMany(t *testing.T) {
	t.Parallel()
	n := defaultLimits.suspects + 500
	pair := Pair{Strategy: RangeChecksum, Source: newMemory(numbered(t, n)), Target: newMemory(nil), Relation: relation}
	found, err := compareRange(t, pair, job.Point{}, job.KeyPoint("1000000"), n)
	require.NoError(t, err)
	require.EqualValues(t, n, found.Rows)
	require.Len(t, found.Suspects, n)
}

func TestRangeOfAnEmptySourceIsEmpty(t *testing.T) {
	t.Parallel()
	pair := Pair{Strategy: RangeChecksum, Source: newMemory(nil), Target: newMemory(numbered(t, 10)), Relation: relation}
	found, err := compareRange(t, pair, job.Point{}, job.KeyPoint("100"), 10)
	require.NoError(t, err)
	require.Zero(t, found)
}

func TestRangeRefusesAnotherStrategy(t *testing.T) {
	t.Parallel()
	_, err := NewRanges(Pair{Job: "shop", Destination: "far", Strategy: Rows})
	require.ErrorContains(t, err, "shop with far: they are compared by rows")
}

// A range that holds many times the rows of a stretch is compared in parts.
func TestRangeIsComparedInParts(t *testing.T) {
	t.Parallel()
	n := 3*defaultLimits.ranges.most + 5
	source, target := newMemory(numbered(t, n)), newMemory(numbered(t, n))
	target.rows[n-1].value = "another"
	found, err := compareRange(t, Pair{Strategy: RangeChecksum, Source: source, Target: target, Relation: relation}, job.Point{}, job.KeyPoint("1000000"), n)
	require.NoError(t, err)
	require.Equal(t, []string{strconv.Itoa(n)}, found.Suspects)
	require.Equal(t, 4, source.counted()["marks"])
}

// Behind a range that differed the next is not folded first, until one is equal.
func TestRangesAreFoldedWhileAllIsCalm(t *testing.T) {
	t.Parallel()
	source, target := newMemory(numbered(t, 1000)), newMemory(numbered(t, 1000))
	target.rows[150].value, target.rows[250].value = "another", "another"
	ranges, err := NewRanges(Pair{Strategy: RangeChecksum, Source: source, Target: target, Relation: relation})
	require.NoError(t, err)
	var folds, marks []int
	for n := range 6 {
		_, err := ranges.Compare(t.Context(), job.KeyPoint(strconv.Itoa(100*n)), job.KeyPoint(strconv.Itoa(100*n+100)), 100)
		require.NoError(t, err)
		folds, marks = append(folds, source.counted()["fold"]), append(marks, source.counted()["marks"])
	}
	require.Equal(t, []int{1, 2, 2, 2, 3, 4}, folds)
	require.Equal(t, []int{0, 1, 2, 3, 3, 3}, marks)
}
