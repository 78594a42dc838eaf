package check

import (
	"context"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// keyed folds each side in its own order by the two halves of a hash of what
// relates them, then lists the rows of which both halves differ. No order of one
// side has to mean anything on the other.
func (c *comparison) keyed(ctx context.Context) error {
	if err := c.onBoth(ctx, c.foldSide); err != nil {
		return err
	}
	source, target, err := both(ctx, c.pair, func(ctx context.Context, s Side) (int64, error) { return s.Nulls(ctx) })
	if err != nil {
		return err
	}
	c.state.SourceNulls, c.state.DestinationNulls = uint64(source), uint64(target)
	passes := c.passes()
	if c.state.Passes < len(passes) {
		c.tell(Listing, uint64(c.state.Passes), uint64(len(passes)))
	}
	for n := c.state.Passes; n < len(passes); n++ {
		if err := c.listPass(ctx, passes[n]); err != nil {
			return err
		}
		c.mu.Lock()
		c.state.Passes = n + 1
		c.progress(uint64(n+1), uint64(len(passes)))
		c.mu.Unlock()
		if err := c.save(false); err != nil {
			return err
		}
	}
	return nil
}

// The sides, as the state names them.
const (
	sourceSide = "source"
	targetSide = "destination"
)

// onBoth does something to each side at the same time.
func (c *comparison) onBoth(ctx context.Context, do func(ctx context.Context, name string, side Side) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return do(ctx, sourceSide, c.pair.Source) })
	g.Go(func() error { return do(ctx, targetSide, c.pair.Target) })
	return g.Wait()
}

// walkSide works on all stretches of one side, up to what is its end now.
func (c *comparison) walkSide(ctx context.Context, side Side, w *walk, do func(context.Context, stretch) (cover, error)) error {
	w.step, w.guess, w.target = side.Step, side.Guess, c.options.Target
	if w.upto.Open() {
		var err error
		if w.upto, _, err = side.Last(ctx); err != nil {
			return err
		}
	}
	return c.each(ctx, w, do)
}

// foldSide folds all rows of one side.
func (c *comparison) foldSide(ctx context.Context, name string, side Side) error {
	c.mu.Lock()
	sum := c.state.Folds[name]
	if sum == nil {
		sum = &folds{}
		c.state.Folds[name] = sum
	}
	c.mu.Unlock()
	w := &walk{name: name, keepCuts: true, sizes: c.limits.folds}
	return c.walkSide(ctx, side, w, func(ctx context.Context, s stretch) (cover, error) {
		began := time.Now()
		found, err := side.KeyMarks(ctx, c.buffers.get(), s.after, s.upto)
		if err != nil {
			return cover{}, err
		}
		return covered(name, seen{rows: uint64(len(found))}, time.Since(began), func() {
			sum.merge(found)
			c.buffers.put(found)
		}), nil
	})
}

// covered is what was found on one side.
func covered(name string, n seen, took time.Duration, merge func()) cover {
	if name == sourceSide {
		return cover{source: n, took: took, merge: merge}
	}
	return cover{destination: n, took: took, merge: merge}
}

// pass is a part of what differs.
type pass struct {
	sieve diff.Sieve
	rows  uint64 // about how many of the larger side pass
}

// passes divides what differs by the lower halves, so that no pass lets too many
// rows through.
func (c *comparison) passes() []pass {
	c.mu.Lock()
	defer c.mu.Unlock()
	source, target := c.state.Folds[sourceSide], c.state.Folds[targetSide]
	differs := func(id int) (rows uint64, yes bool) {
		a, b := source[id], target[id]
		return max(a.rows, b.rows), a != b || a.unhashed != 0
	}
	var upper []uint16
	through := uint64(0) // rows with such an upper half
	for id := range halves {
		if rows, yes := differs(halves + id); yes {
			upper = append(upper, uint16(id))
			through += rows
		}
	}
	share := min(float64(through)/float64(max(c.state.SourceRows, c.state.DestinationRows, 1)), 1)
	var all []pass
	for id := range halves {
		rows, yes := differs(id)
		if !yes {
			continue
		}
		rows = uint64(math.Ceil(float64(rows) * share))
		if len(all) == 0 || all[len(all)-1].rows+rows > uint64(c.limits.passRows) {
			all = append(all, pass{sieve: diff.Sieve{Upper: upper}})
		}
		last := &all[len(all)-1]
		last.sieve.Lower = append(last.sieve.Lower, uint16(id))
		last.rows += rows
	}
	return all
}

// listPass matches the rows that pass a sieve.
func (c *comparison) listPass(ctx context.Context, p pass) error {
	j := newJoin(c.suspect)
	err := c.onBoth(ctx, func(ctx context.Context, name string, side Side) error {
		all := c.state.SourceRows
		if name == targetSide {
			all = c.state.DestinationRows
		}
		w, err := c.listing(name, all, p.rows)
		if err != nil {
			return err
		}
		return c.walkSide(ctx, side, w, func(ctx context.Context, s stretch) (cover, error) {
			began := time.Now()
			err := side.ListKeyed(ctx, s.after, s.upto, p.sieve, j.of(name))
			return cover{took: time.Since(began)}, err
		})
	})
	if err != nil {
		return err
	}
	j.end()
	return c.enough()
}

// listing walks one side for a pass, of a table with all rows and a pass with
// some: in the stretches that were folded, or in smaller ones where those would
// give too many rows at once.
func (c *comparison) listing(name string, all, some uint64) (*walk, error) {
	cuts := c.state.Cuts[name]
	if n := len(cuts); n > 0 && some/uint64(n) <= uint64(c.limits.listedRows) && cuts[n-1] != "" {
		w := &walk{sizes: c.limits.folds, cuts: make([]job.Point, n)}
		for i, text := range cuts {
			var err error
			if w.cuts[i], err = job.ParsePoint(text); err != nil {
				return nil, fmt.Errorf("go on where the state ends: %w", err)
			}
		}
		w.upto = w.cuts[n-1]
		return w, nil
	}
	rows := uint64(c.limits.listedRows) * max(all, 1) / max(some, 1)
	n := int(min(max(rows, uint64(c.limits.listedRows)), uint64(c.limits.folds.most)))
	return &walk{sizes: sizes{first: n, least: min(n, c.limits.folds.least), most: n}}, nil
}
