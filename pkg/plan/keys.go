package plan

import (
	"context"
	"math/big"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Index tells where rows lie in the order of a scan.
type Index interface {
	// Step is the n-th row, from 1, of (after, upto]; false when there are fewer.
	Step(ctx context.Context, scan job.Scan, after, upto job.Point, n int) (job.Point, bool, error)
}

// maxAhead bounds how many ranges are cut by arithmetic between two looks at the
// table: as many may turn out empty at a hole. It saves nearly all looks, more
// would save little.
const maxAhead = 16

// Cutter cuts (after, upto] into ranges of about Rows rows. It remembers how
// far the table has been dense, so it belongs to one scan.
type Cutter struct {
	Index Index
	Scan  job.Scan
	Shard job.Shard
	Rows  int
	// Numeric says that keys are decimal numbers, which can be cut by arithmetic.
	Numeric bool

	ahead int
}

// Cut gives up to most ranges that follow each other from after on; the last
// one ends at upto when they reach it. There are none when most is 0 or after is
// upto already. after must not lie behind upto.
//
// A stretch no wider than Rows is one range and costs no query. Otherwise the
// index is asked where Rows rows end, so that a hole costs one query however wide
// it is. Where ids turn out dense, the following ranges are cut by arithmetic, as
// long as the index shows rows right behind them.
func (c *Cutter) Cut(ctx context.Context, after, upto job.Point, most int) ([]job.Range, error) {
	var ranges []job.Range
	for len(ranges) < most && (upto.Open() || after.String() != upto.String()) {
		if width, ok := c.width(after, upto); ok && width.Cmp(big.NewInt(int64(c.Rows))) <= 0 {
			return append(ranges, c.rangeOf(after, upto)), nil
		}
		end, found, err := c.Index.Step(ctx, c.Scan, after, upto, c.Rows)
		if err != nil {
			return ranges, err
		}
		if !found {
			return append(ranges, c.rangeOf(after, upto)), nil
		}
		ranges = append(ranges, c.rangeOf(after, end))
		ends, err := c.dense(ctx, after, end, upto, most-len(ranges))
		if err != nil {
			return ranges, err
		}
		for after = end; len(ends) > 0; ends = ends[1:] {
			ranges = append(ranges, c.rangeOf(after, ends[0]))
			after = ends[0]
		}
	}
	return ranges, nil
}

func (c *Cutter) rangeOf(after, upto job.Point) job.Range {
	return job.Range{Scan: c.Scan, Shard: c.Shard, After: after, UpTo: upto}
}

// width is the number of ids in (after, upto]; not known for texts, times and open ends.
func (c *Cutter) width(after, upto job.Point) (*big.Int, bool) {
	if !c.Numeric {
		return nil, false
	}
	return Width(after, upto)
}

// Width is the number of ids in (after, upto] when both ends are decimal numbers.
func Width(after, upto job.Point) (*big.Int, bool) {
	low, ok1 := after.Integer()
	high, ok2 := upto.Integer()
	if !ok1 || !ok2 {
		return nil, false
	}
	return high.Sub(high, low), true
}

// dense gives the ends of ranges that follow (after, end] in the same width,
// when that one was dense and rows stand right behind the last of them.
func (c *Cutter) dense(ctx context.Context, after, end, upto job.Point, most int) ([]job.Point, error) {
	width, ok := c.width(after, end)
	if !ok || width.Cmp(big.NewInt(2*int64(c.Rows))) > 0 {
		c.ahead = 1
		return nil, nil
	}
	n := min(max(c.ahead, 1), most, maxAhead)
	if left, ok := c.width(end, upto); ok {
		if room := left.Div(left, width); room.IsInt64() {
			n = min(n, int(room.Int64()))
		}
	}
	if n <= 0 {
		return nil, nil
	}
	ends := make([]job.Point, n)
	at, _ := end.Integer()
	for i := range ends {
		ends[i] = job.KeyPoint(at.Add(at, width).String())
	}
	last := ends[n-1]
	if last.String() == upto.String() {
		c.ahead = min(2*n, maxAhead)
		return ends, nil
	}
	next, found, err := c.Index.Step(ctx, c.Scan, last, upto, 1)
	if err != nil {
		return nil, err
	}
	if gap, ok := c.width(last, next); !found || !ok || gap.Cmp(width) > 0 {
		c.ahead = 1
		return nil, nil
	}
	c.ahead = min(2*n, maxAhead)
	return ends, nil
}
