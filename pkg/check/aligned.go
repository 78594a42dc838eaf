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
		name: "both", step: c.lesserStep, guess: c.greaterGuess,
		after: job.KeyPoint(after.String()), upto: job.KeyPoint(e.last.String()),
		sizes: c.limits.ranges, target: c.options.Target,
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

// greaterGuess is that of the side with more rows.
func (c *comparison) greaterGuess(ctx context.Context, after, upto job.Point) (int64, bool, error) {
	type guess struct {
		rows  int64
		known bool
	}
	source, target, err := both(ctx, c.pair, func(ctx context.Context, s Side) (g guess, err error) {
		g.rows, g.known, err = s.Guess(ctx, reachable(after), upto)
		return g, err
	})
	return max(source.rows, target.rows), source.known && target.known, err
}

// reachable leaves a range open whose lower end no column can hold: the place
// before the least BIGINT.
func reachable(p job.Point) job.Point {
	if n, ok := number(p); ok && n.Cmp(big.NewInt(math.MinInt64)) < 0 {
		return job.Point{}
	}
	return p
}

// compareRange compares one stretch. Behind one that was equal the next is
// likely equal too, and to fold it whole is cheaper than to fold it in buckets.
func (c *comparison) compareRange(ctx context.Context, s stretch) (cover, error) {
	if c.calm.Load() {
		source, target, found, err := c.foldBoth(ctx, s, keyBits)
		defer c.buffers.put(source, target)
		if err != nil || len(source) == 1 && len(target) == 1 && source[0].Equal(target[0]) {
			return found, err
		}
	}
	return c.compareClosely(ctx, s)
}

// compareClosely folds a stretch in buckets and looks closer at those that differ.
func (c *comparison) compareClosely(ctx context.Context, s stretch) (cover, error) {
	shift := bucketShift(s, c.limits.bucketRows)
	source, target, found, err := c.foldBoth(ctx, s, shift)
	if err != nil {
		return cover{}, err
	}
	looks := closer(source, target, s, shift)
	c.buffers.put(source, target)
	c.calm.Store(len(looks) == 0)
	return found, c.narrow(ctx, looks)
}

// foldBoth folds a stretch on both sides, and says how many rows they have.
func (c *comparison) foldBoth(ctx context.Context, s stretch, shift int) (source, target []diff.Bucket, found cover, err error) {
	began := time.Now()
	source, target, err = both(ctx, c.pair, func(ctx context.Context, side Side) ([]diff.Bucket, error) {
		return side.Fold(ctx, c.buffers.get(), reachable(s.after), s.upto, shift)
	})
	return source, target, cover{source: seen{rows: rowsIn(source)}, destination: seen{rows: rowsIn(target)}, took: time.Since(began)}, err
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
			if _, err := c.compareClosely(ctx, stretch{after: keyPoint(l.after), upto: keyPoint(l.upto), rows: int(l.rows)}); err != nil {
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
	j := newJoin(c.suspect)
	err := c.onBoth(ctx, func(ctx context.Context, name string, side Side) error {
		return side.List(ctx, ranges, j.of(name))
	})
	if err == nil {
		j.end()
	}
	return err
}
