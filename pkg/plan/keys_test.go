package plan_test

import (
	"context"
	"errors"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// maxAhead is how many empty ranges one hole may cost.
const maxAhead = 16

// numbers draws ids in runs, with holes of every width between, anywhere a key column can hold them.
func numbers(t *rapid.T) []job.Point {
	at := number(rapid.SampledFrom([]string{
		"-9223372036854775808", "-100", "0", "1", "9223372036854775000", "18446744073709551000",
	}).Draw(t, "first"))
	last := number("18446744073709551615")
	var points []job.Point
	for range rapid.IntRange(1, 6).Draw(t, "runs") {
		step := big.NewInt(rapid.SampledFrom([]int64{1, 1, 2, 3, 50, 1 << 22}).Draw(t, "step"))
		for range rapid.IntRange(1, 400).Draw(t, "rows") {
			if at.Cmp(last) > 0 {
				return points
			}
			points = append(points, job.KeyPoint(at.String()))
			at.Add(at, step)
		}
		at.Add(at, big.NewInt(rapid.SampledFrom([]int64{0, 7, 100, 3000, 100_000_000_000}).Draw(t, "hole")))
	}
	return points
}

func TestRangesOfNumbersHoldEachRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		points := numbers(t)
		x := holding(byNumber, points...)
		c := cutter(x, rapid.IntRange(1, 60).Draw(t, "rangeRows"))
		after, upto := job.Point{}, points[len(points)-1]
		switch rapid.IntRange(0, 2).Draw(t, "after") {
		case 0:
			after = points[rapid.IntRange(0, len(points)-1).Draw(t, "cursor")]
		case 1:
			after = job.KeyPoint(new(big.Int).Sub(number(points[0].Key[0]), big.NewInt(1)).String())
		}
		if after.String() == upto.String() {
			return
		}
		ranges := all(t, c, after, upto, rapid.IntRange(1, 100).Draw(t, "most"))
		covered(t, x, after, upto, ranges)
		for _, r := range ranges {
			require.LessOrEqual(t, x.count(r), 2*c.Rows, "%s is too large", r.ID())
		}
		// Each look either ends a range that holds rows or follows one that does.
		require.LessOrEqual(t, x.queries, 2*len(ranges))
	})
}

func TestRangesOfTextsAreCutByRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9a-z%.é ]{1,6}`), 1, 200, rapid.ID[string]).Draw(t, "keys")
		x := holding(byText, keys(texts...)...)
		c := cutter(x, rapid.IntRange(1, 20).Draw(t, "rangeRows"))
		c.Numeric = false
		upto := x.at(x.rows - 1)
		ranges := all(t, c, job.Point{}, upto, rapid.IntRange(1, 100).Draw(t, "most"))
		require.Zero(t, covered(t, x, job.Point{}, upto, ranges))
		require.Len(t, ranges, (x.rows+c.Rows-1)/c.Rows)
		require.LessOrEqual(t, x.queries, len(ranges))
	})
}

// A text key may look like a number; its order is not that of numbers.
func TestDigitsInATextKeyAreNoNumbers(t *testing.T) {
	t.Parallel()
	x := holding(byText, keys("1", "10", "2", "3", "9")...)
	c := cutter(x, 2)
	c.Numeric = false
	require.Equal(t, "..10 10..3 3..9", ids(all(t, c, job.Point{}, job.KeyPoint("9"), 100)))
}

func TestRangesOfTimesHoldEachRowOnce(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 8*3600)
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, zone)
	rapid.Check(t, func(t *rapid.T) {
		var points []job.Point
		for second := range rapid.IntRange(1, 8).Draw(t, "seconds") {
			for i := range rapid.IntRange(0, 80).Draw(t, "rows") {
				points = append(points, job.Point{At: start.Add(time.Duration(second+1) * time.Second), Key: []string{strconv.Itoa(i)}})
			}
		}
		x := holding(byTime, points...)
		c := cutter(x, rapid.IntRange(1, 60).Draw(t, "rangeRows"))
		c.Scan, c.Numeric = job.Update, false
		after, upto := job.TimePoint(start), job.TimePoint(start.Add(8*time.Second))
		if len(points) > 0 && rapid.Bool().Draw(t, "from the middle of a second") {
			after = points[rapid.IntRange(0, len(points)-1).Draw(t, "cursor")]
		}
		ranges := all(t, c, after, upto, rapid.IntRange(1, 100).Draw(t, "most"))
		require.LessOrEqual(t, covered(t, x, after, upto, ranges), 1)
		for _, r := range ranges {
			require.LessOrEqual(t, x.count(r), c.Rows)
		}
		require.LessOrEqual(t, x.queries, len(ranges))
	})
}

func TestDenseIDsAreCutByArithmetic(t *testing.T) {
	t.Parallel()
	const rows, rangeRows = 5_200_000, 10_000
	x := dense(1, rows)
	ranges := all(t, cutter(x, rangeRows), job.KeyPoint("0"), job.KeyPoint(strconv.Itoa(rows)), 100)
	require.Len(t, ranges, rows/rangeRows)
	require.Zero(t, covered(t, x, job.KeyPoint("0"), job.KeyPoint(strconv.Itoa(rows)), ranges))
	require.LessOrEqual(t, x.long, 50)
	require.LessOrEqual(t, x.queries, 100)
	require.LessOrEqual(t, x.read, rows/10)
}

func TestAHoleCostsAHandfulOfQueries(t *testing.T) {
	t.Parallel()
	const rangeRows = 100
	for _, hole := range []int64{1_000, 5_000, 100_000, 10_000_000, 100_000_000_000} {
		var points []job.Point
		for i := range int64(20_000) {
			id := i
			if i >= 10_000 {
				id += hole
			}
			points = append(points, job.KeyPoint(strconv.FormatInt(id, 10)))
		}
		even := dense(0, 19_999)
		all(t, cutter(even, rangeRows), job.KeyPoint("-1"), job.KeyPoint("19999"), 100)

		x := holding(byNumber, points...)
		upto := points[len(points)-1]
		ranges := all(t, cutter(x, rangeRows), job.KeyPoint("-1"), upto, 100)
		require.LessOrEqual(t, covered(t, x, job.KeyPoint("-1"), upto, ranges), maxAhead, "hole of %d", hole)
		require.LessOrEqual(t, x.queries, even.queries+16, "hole of %d", hole)
	}
}

func TestSparseIDsCostOneQueryARange(t *testing.T) {
	t.Parallel()
	var points []job.Point
	for i := range int64(5_000) {
		points = append(points, job.KeyPoint(strconv.FormatInt(i<<22|i*2654435769%4096, 10))) // as snowflake ids
	}
	x := holding(byNumber, points...)
	upto := points[len(points)-1]
	ranges := all(t, cutter(x, 100), job.Point{}, upto, 100)
	require.Zero(t, covered(t, x, job.Point{}, upto, ranges))
	require.Len(t, ranges, 50)
	require.LessOrEqual(t, x.queries, 50)
	require.LessOrEqual(t, x.read, 5_000)
}

func TestTheLastIDsOfAnUnsignedColumn(t *testing.T) {
	t.Parallel()
	x := holding(byNumber, keys("18446744073709551613", "18446744073709551614", "18446744073709551615")...)
	ranges := all(t, cutter(x, 1), job.KeyPoint("18446744073709551612"), job.KeyPoint("18446744073709551615"), 9)
	require.Equal(t, "18446744073709551612..18446744073709551613 18446744073709551613..18446744073709551614 18446744073709551614..18446744073709551615", ids(ranges))
}

func TestAStretchNoWiderThanARangeCostsNothing(t *testing.T) {
	t.Parallel()
	x := dense(1, 100)
	require.Equal(t, "-50..50", ids(all(t, cutter(x, 100), job.KeyPoint("-50"), job.KeyPoint("50"), 9)))
	require.Zero(t, x.queries)
}

func TestOpenEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ after, upto, want string }{
		{"", "", "..40 40..80 80..120 120.."},
		{"", "90", "..40 40..80 80..90"},
		{"30", "", "30..70 70..110 110.."},
	} {
		x := dense(1, 130)
		after, err := job.ParsePoint(c.after)
		require.NoError(t, err)
		upto, err := job.ParsePoint(c.upto)
		require.NoError(t, err)
		cut, err := cutter(x, 40).Cut(t.Context(), after, upto, 100)
		require.NoError(t, err)
		require.Equal(t, c.want, ids(cut))
		covered(t, x, after, upto, cut)
	}
}

func TestNothingToCut(t *testing.T) {
	t.Parallel()
	x := dense(1, 100)
	for _, most := range []int{-1, 0} {
		cut, err := cutter(x, 10).Cut(t.Context(), job.KeyPoint("1"), job.KeyPoint("100"), most)
		require.NoError(t, err)
		require.Empty(t, cut)
	}
	cut, err := cutter(x, 10).Cut(t.Context(), job.KeyPoint("7"), job.KeyPoint("7"), 9)
	require.NoError(t, err)
	require.Empty(t, cut)
	require.Zero(t, x.queries)
}

type broken struct{ after int }

var errBroken = errors.New("the database is down")

func (b *broken) Step(_ context.Context, _ job.Scan, after, _ job.Point, n int) (job.Point, bool, error) {
	if b.after--; b.after < 0 {
		return job.Point{}, false, errBroken
	}
	at, _ := strconv.Atoi(after.Key[0])
	return job.KeyPoint(strconv.Itoa(at + n)), true, nil
}

func TestAQueryThatFailsEndsTheCut(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		c := &plan.Cutter{Index: &broken{after: n}, Rows: 10, Numeric: true}
		_, err := c.Cut(t.Context(), job.KeyPoint("0"), job.KeyPoint("1000000"), 100)
		require.ErrorIs(t, err, errBroken)
	}
}
