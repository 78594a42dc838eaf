package check

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// aligned compares both sides over the same ranges of an integer key. One query
// per side and stretch folds it at two resolutions at once: the buckets say
// whether it is equal, and if not, where to look.
func (c *comparison) aligned(ctx context.Context) error {
	source, target, err := both(ctx, c.pair, endsOf)
	if err != nil {
		return err
	}
	e := source.with(target)
	if from, ok := number(c.options.From); ok && (e.first == nil || from.Cmp(e.first) >= 0) {
		e.first = from.Add(from, one)
	}
	if to, ok := number(c.options.To); ok && e.last != nil && to.Cmp(e.last) < 0 {
		e.last = to
	}
	if e.last == nil || e.first.Cmp(e.last) > 0 {
		return nil
	}
	after := new(big.Int).Sub(e.first, one)
	w := &walk{
		name: "both", step: c.lesserStep, numeric: true,
		after: job.KeyPoint(after.String()), upto: job.KeyPoint(e.last.String()),
		sizes: c.limits.ranges, target: c.options.Target,
	}
	if width := mustWidth(stretch{after: w.after, upto: w.upto}); width.IsInt64() {
		w.density = float64(c.estimate) / 2 / float64(width.Int64())
	}
	return c.each(ctx, w, c.compareRange)
}

var one = big.NewInt(1)

// ends are the least and the greatest key of a side; nil when it is empty.
type ends struct{ first, last *big.Int }

func endsOf(ctx context.Context, s Side) (ends, error) {
	last, found, err := s.Last(ctx)
	if err != nil || !found {
		return ends{}, err
	}
	first, found, err := s.Step(ctx, job.Point{}, job.Point{}, 1)
	if err != nil || !found {
		return ends{}, err
	}
	a, ok1 := number(first)
	b, ok2 := number(last)
	if !ok1 || !ok2 {
		return ends{}, fmt.Errorf("a comparison by ranges needs keys that are whole numbers")
	}
	return ends{a, b}, nil
}

// with is where either of two sides has rows.
func (e ends) with(other ends) ends {
	if e.last == nil {
		return other
	}
	if other.last == nil {
		return e
	}
	if other.first.Cmp(e.first) < 0 {
		e.first = other.first
	}
	if other.last.Cmp(e.last) > 0 {
		e.last = other.last
	}
	return e
}

// lesserStep steps to where either side has n rows, so that no stretch is large
// on any side.
func (c *comparison) lesserStep(ctx context.Context, after, upto job.Point, n int) (job.Point, bool, error) {
	end, found, err := c.pair.Source.Step(ctx, reachable(after), upto, n)
	if err != nil {
		return end, false, err
	}
	if found {
		upto = end // behind it, the other side need not be searched
	}
	other, closer, err := c.pair.Target.Step(ctx, reachable(after), upto, n)
	if err != nil || closer {
		return other, closer, err
	}
	return end, found, nil
}

// reachable leaves a range open whose lower end no column can hold: the place
// before the least BIGINT.
func reachable(p job.Point) job.Point {
	if n, ok := number(p); ok && n.Cmp(big.NewInt(math.MinInt64)) < 0 {
		return job.Point{}
	}
	return p
}

// compareRange compares one stretch.
func (c *comparison) compareRange(ctx context.Context, s stretch) (cover, error) {
	began := time.Now()
	width := bucketWidth(s, c.limits.bucketRows)
	source, target, err := both(ctx, c.pair, func(ctx context.Context, side Side) ([]diff.Bucket, error) {
		return side.Fold(ctx, reachable(s.after), s.upto, width)
	})
	if err != nil {
		return cover{}, err
	}
	found := cover{source: seen{rows: rowsIn(source)}, destination: seen{rows: rowsIn(target)}, took: time.Since(began)}
	return found, c.narrow(ctx, closer(source, target, s, width))
}

func rowsIn(found []diff.Bucket) uint64 {
	var n uint64
	for _, b := range found {
		n += b.Rows
	}
	return n
}

// narrow lists what differs in a stretch, in portions, and folds a bucket anew
// that holds more rows than a portion.
func (c *comparison) narrow(ctx context.Context, looks []look) error {
	p := portion{limits: c.limits}
	for _, l := range looks {
		if l.rows > uint64(c.limits.portionRows) && l.width() > 1 {
			if _, err := c.compareRange(ctx, stretch{after: keyPoint(l.after), upto: keyPoint(l.upto), rows: int(l.rows)}); err != nil {
				return err
			}
			continue
		}
		if !p.add(l) {
			if err := c.list(ctx, p.ranges); err != nil {
				return err
			}
			p = portion{limits: c.limits}
			p.add(l)
		}
	}
	return c.list(ctx, p.ranges)
}

// list compares the hashes of single rows.
func (c *comparison) list(ctx context.Context, ranges [][2]job.Point) error {
	if len(ranges) == 0 {
		return nil
	}
	source, target, err := both(ctx, c.pair, func(ctx context.Context, side Side) ([]diff.Hashed, error) {
		return side.List(ctx, ranges)
	})
	if err != nil {
		return err
	}
	j := newJoin(c.suspect)
	j.add(source, Missing)
	j.add(target, Extra)
	j.end()
	return nil
}
