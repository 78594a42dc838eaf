package plan_test

import (
	"cmp"
	"context"
	"math/big"
	"slices"
	"sort"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// index is a table in memory that counts what it is asked.
type index struct {
	rows    int
	at      func(i int) job.Point
	compare func(a, b job.Point) int

	queries int
	read    int // index entries that a server would have passed
	long    int // queries for more than one row
}

// Step finds the n-th row as a server would.
func (x *index) Step(_ context.Context, _ job.Scan, after, upto job.Point, n int) (job.Point, bool, error) {
	x.queries++
	first, end := x.bounds(after, upto)
	x.read += max(0, min(n, end-first))
	if n > 1 {
		x.long++
	}
	if first+n > end {
		return job.Point{}, false, nil
	}
	return x.at(first + n - 1), true, nil
}

// behind is the first row behind p.
func (x *index) behind(p job.Point) int {
	return sort.Search(x.rows, func(i int) bool { return x.compare(x.at(i), p) > 0 })
}

// bounds are the first row of (after, upto] and the one behind its last.
func (x *index) bounds(after, upto job.Point) (first, end int) {
	end = x.rows
	if !after.Open() {
		first = x.behind(after)
	}
	if !upto.Open() {
		end = x.behind(upto)
	}
	return first, end
}

// count is how many rows lie in r.
func (x *index) count(r job.Range) int {
	first, end := x.bounds(r.After, r.UpTo)
	return end - first
}

func number(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic("not a number: " + s)
	}
	return n
}

func byNumber(a, b job.Point) int { return number(a.Key[0]).Cmp(number(b.Key[0])) }

func byText(a, b job.Point) int { return cmp.Compare(a.Key[0], b.Key[0]) }

// byTime sorts a point without a key behind all rows of its instant.
func byTime(a, b job.Point) int {
	if c := a.At.Compare(b.At); c != 0 || len(a.Key)+len(b.Key) == 0 {
		return c
	}
	switch {
	case len(a.Key) == 0:
		return 1
	case len(b.Key) == 0:
		return -1
	}
	return byNumber(job.KeyPoint(a.Key[0]), job.KeyPoint(b.Key[0]))
}

// dense is a table with the ids first to last.
func dense(first, last int64) *index {
	return &index{
		rows:    int(last - first + 1),
		at:      func(i int) job.Point { return job.KeyPoint(big.NewInt(first + int64(i)).String()) },
		compare: byNumber,
	}
}

// holding is a table with these rows.
func holding(compare func(a, b job.Point) int, rows ...job.Point) *index {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, compare)
	return &index{rows: len(rows), at: func(i int) job.Point { return rows[i] }, compare: compare}
}

func keys(texts ...string) []job.Point {
	points := make([]job.Point, len(texts))
	for i, t := range texts {
		points[i] = job.KeyPoint(t)
	}
	return points
}

// all cuts until upto is reached, up to most ranges at a time, and proves that
// the ranges follow each other.
func all(t require.TestingT, c *plan.Cutter, after, upto job.Point, most int) []job.Range {
	var ranges []job.Range
	for at := after; ; {
		cut, err := c.Cut(context.Background(), at, upto, most)
		require.NoError(t, err)
		require.NotEmpty(t, cut)
		require.LessOrEqual(t, len(cut), most)
		for _, r := range cut {
			require.Equal(t, at.String(), r.After.String(), "a gap or an overlap")
			require.Equal(t, c.Scan, r.Scan)
			require.Equal(t, c.Shard, r.Shard)
			at = r.UpTo
		}
		ranges = append(ranges, cut...)
		if at.String() == upto.String() {
			return ranges
		}
		require.Less(t, len(ranges), 1_000_000, "no end")
	}
}

// covered proves that each row lies in exactly one range and gives the number of
// ranges without one.
func covered(t require.TestingT, x *index, after, upto job.Point, ranges []job.Range) (empty int) {
	sum := 0
	for _, r := range ranges {
		n := x.count(r)
		require.GreaterOrEqual(t, n, 0, "%s runs backwards", r.ID())
		sum += n
		if n == 0 {
			empty++
		}
	}
	require.Equal(t, x.count(job.Range{After: after, UpTo: upto}), sum)
	return empty
}

func cutter(x *index, rows int) *plan.Cutter {
	return &plan.Cutter{
		Index: x, Scan: job.Insert, Shard: job.Shard{Database: "db", Table: "user"}, Rows: rows, Numeric: true,
	}
}

func ids(ranges []job.Range) string {
	texts := make([]string, len(ranges))
	for i, r := range ranges {
		texts[i] = strings.TrimPrefix(r.ID(), "insert:db.user:")
	}
	return strings.Join(texts, " ")
}
