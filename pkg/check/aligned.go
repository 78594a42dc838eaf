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

// aligned compares both sides over the same ranges of an integer key.
func (c *comparison) aligned(ctx context.Context) error {
	source, target, err := both(ctx, c.pair, endsOf)
	if err != nil {
		return err
	}
	e := source.with(target)
	if from, ok := c.options.From.Integer(); ok && (e.first == nil || from.Cmp(e.first) >= 0) {
		e.first = from.Add(from, one)
	}
	if to, ok := c.options.To.Integer(); ok && e.last != nil && to.Cmp(e.last) < 0 {
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
	a, ok1 := first.Integer()
	b, ok2 := last.Integer()
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
	if n, ok := p.Integer(); ok && n.Cmp(big.NewInt(math.MinInt64)) < 0 {
		return job.Point{}
	}
	return p
}

// compareRange compares one stretch. Behind one that was equal the next is
// likely equal too, and to fold it is cheaper than to mark each of its rows.
func (c *comparison) compareRange(ctx context.Context, s stretch) (cover, error) {
	if !c.calm.Load() {
		return c.compareParts(ctx, s, uint64(s.rows))
	}
	began := time.Now()
	source, target, err := c.fold(ctx, s)
	if err != nil {
		return cover{}, err
	}
	if source.Equal(target) {
		return cover{source: seen{rows: source.Rows}, destination: seen{rows: target.Rows}, took: time.Since(began)}, nil
	}
	found, err := c.compareParts(ctx, s, max(source.Rows, target.Rows))
	if err != nil || found.differs {
		return found, err
	}
	return found, c.compareHashes(ctx, s)
}

// compareHashes compares a stretch whose folds differ and whose marks, which lack
// a bit of each hash, do not. Mostly, a row was only late.
func (c *comparison) compareHashes(ctx context.Context, s stretch) error {
	source, target, err := c.fold(ctx, s)
	if err != nil || source.Equal(target) {
		return err
	}
	j := newJoin(c.suspect)
	err = c.onBoth(ctx, func(ctx context.Context, name string, side Side) error {
		return side.List(ctx, reachable(s.after), s.upto, j.of(name))
	})
	if err == nil {
		j.end()
	}
	return err
}

// fold folds a stretch on both sides.
func (c *comparison) fold(ctx context.Context, s stretch) (source, target diff.Fold, err error) {
	return both(ctx, c.pair, func(ctx context.Context, side Side) (diff.Fold, error) {
		return side.Fold(ctx, reachable(s.after), s.upto)
	})
}

// compareParts compares the marks of a stretch of about so many rows, of which no
// more are held at once than of any stretch.
func (c *comparison) compareParts(ctx context.Context, s stretch, rows uint64) (whole cover, err error) {
	for more := rows > uint64(c.limits.ranges.most); ; {
		part := s
		if more {
			if part.upto, more, err = c.lesserStep(ctx, s.after, s.upto, c.limits.ranges.most); err != nil {
				return cover{}, err
			}
			if !more {
				part.upto = s.upto
			}
		}
		part = part.narrow()
		found, err := c.compareMarks(ctx, part)
		if err != nil {
			return cover{}, err
		}
		whole.source.rows += found.source.rows
		whole.destination.rows += found.destination.rows
		whole.took += found.took
		whole.differs = whole.differs || found.differs
		if s.after = part.upto; s.after.String() == s.upto.String() {
			return whole, nil
		}
	}
}

// compareMarks compares a stretch row by row, by their hashes.
func (c *comparison) compareMarks(ctx context.Context, s stretch) (cover, error) {
	began := time.Now()
	source, target, err := both(ctx, c.pair, func(ctx context.Context, side Side) ([]diff.Mark, error) {
		return side.Marks(ctx, c.buffers.get(), reachable(s.after), s.upto)
	})
	if err != nil {
		return cover{}, err
	}
	found := cover{source: seen{rows: uint64(len(source))}, destination: seen{rows: uint64(len(target))}, took: time.Since(began)}
	after, _ := s.after.Integer()
	base := diff.KeyID(after)
	calm := true
	match(base, source, target, func(beyond uint64, kind Kind) {
		calm = false
		key := new(big.Int).SetUint64(beyond)
		c.suspect(diff.Key(key.Add(key, after).String()), kind)
	})
	c.calm.Store(calm)
	found.differs = !calm
	c.buffers.put(source, target)
	return found, nil
}

// narrow is a stretch of integer keys, or its beginning: the IDs of marks have 64
// bits, and where more keys lie apart, as those of a few rows may, two share one.
func (s stretch) narrow() stretch {
	after, _ := s.after.Integer()
	upto, _ := s.upto.Integer()
	if end := new(big.Int).Add(after, widest); upto.Cmp(end) > 0 {
		s.upto = job.KeyPoint(end.String())
	}
	return s
}

var widest = new(big.Int).Lsh(one, 63)
