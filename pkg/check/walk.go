package check

import (
	"context"
	"fmt"
	"math/big"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// walk hands out the stretches of one order one after the other, steers their
// size by the time that they take, and puts what was found in them back into
// their order.
type walk struct {
	name string // in the state; "" for one that is not kept
	step func(ctx context.Context, after, upto job.Point, n int) (job.Point, bool, error)
	// after and upto bound what is left; both are closed when numeric.
	after, upto job.Point
	numeric     bool // keys are whole numbers, which can be cut by arithmetic
	sizes       sizes
	rows        int           // of the next stretch
	target      time.Duration // for its query

	mu      sync.Mutex
	over    bool
	density float64 // rows per key of the last stretch; only when numeric
	serial  int     // of the next stretch
	kept    int     // serial of the first stretch that is not done
	done    map[int]func()
}

// stretch is the rows in (after, upto].
type stretch struct {
	after, upto job.Point
	rows        int // about how many there are
	serial      int
}

// cover is what was found in a stretch.
type cover struct {
	source, destination seen
	took                time.Duration // of the query that is steered
	merge               func()        // into the state, in the order of the stretches; may be nil
}

// seen are the rows of one side, those with a key and those without.
type seen struct {
	rows, keyless uint64
}

// next is the next stretch; false when none is left.
func (w *walk) next(ctx context.Context) (stretch, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return stretch{}, false, nil
	}
	s := stretch{after: w.after, rows: w.rows, serial: w.serial}
	var err error
	if s.upto, err = w.cut(ctx); err != nil {
		return stretch{}, false, err
	}
	w.after, w.over = s.upto, s.upto.String() == w.upto.String()
	w.serial++
	return s, true, nil
}

// sparse is the density below which arithmetic would give stretches of too few
// rows. Above it, it gives at most 1/sparse times as many as wanted, whatever
// the table holds.
const sparse = 0.5

// cut finds the end of the next stretch. It asks the table for the row where
// the stretch ends, so that a hole costs one query however wide it is, unless
// keys are dense.
func (w *walk) cut(ctx context.Context) (job.Point, error) {
	if w.numeric {
		left, _ := plan.Width(w.after, w.upto)
		width := int64(w.rows)
		if w.density >= sparse {
			width = int64(float64(w.rows) / min(w.density, 1))
		}
		switch {
		case left.Cmp(big.NewInt(width)) <= 0:
			return w.upto, nil
		case w.density >= sparse:
			return shifted(w.after, width), nil
		}
	}
	end, found, err := w.step(ctx, w.after, w.upto, w.rows)
	if err != nil || !found {
		return w.upto, err
	}
	return end, nil
}

// finish notes a stretch as done; merge is called when all before it are.
func (w *walk) finish(s stretch, found cover, merge func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := max(found.source.rows, found.destination.rows)
	if w.numeric {
		width, _ := new(big.Float).SetInt(mustWidth(s)).Float64()
		w.density = float64(rows) / max(width, 1)
	}
	w.rows = min(max(steer(w.rows, rows, found.took, w.target), w.sizes.least), w.sizes.most)
	w.done[s.serial] = merge
	for w.done[w.kept] != nil {
		w.done[w.kept]()
		delete(w.done, w.kept)
		w.kept++
	}
}

// steer is the size that would have met the target, at most twice or half the
// present one. A stretch with far fewer rows than asked for says nothing.
func steer(size int, rows uint64, took, target time.Duration) int {
	if rows < uint64(size)/2 && took < target {
		return size
	}
	const instant = time.Millisecond
	want := float64(size) * target.Seconds() / max(took, instant).Seconds()
	return int(min(max(want, float64(size)/2), float64(size)*2))
}

// each works on all stretches of a walk, several at once, and notes how far
// everything is done.
func (c *comparison) each(ctx context.Context, w *walk, do func(context.Context, stretch) (cover, error)) error {
	w.rows, w.done = w.sizes.first, map[int]func(){}
	if over, err := c.passed(w); over || err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for range c.options.Parallel {
		g.Go(func() error {
			for {
				s, more, err := w.next(ctx)
				if err != nil || !more {
					return err
				}
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				found, err := do(ctx, s)
				if err != nil {
					return err
				}
				w.finish(s, found, func() { c.pass(w, s, found) })
				if err := c.save(false); err != nil {
					return err
				}
				if err := c.enough(); err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// passed takes a walk up where an earlier run left it, and reports whether it is over.
func (c *comparison) passed(w *walk) (over bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, known := c.state.Walks[w.name]
	if !known || at.Done {
		return known, nil
	}
	if w.after, err = job.ParsePoint(at.After); err != nil {
		return false, fmt.Errorf("go on where the state ends: %w", err)
	}
	return false, nil
}

// pass notes that everything up to the end of s is done. A walk without a name
// begins anew in every run.
func (c *comparison) pass(w *walk, s stretch, found cover) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found.merge != nil {
		found.merge()
	}
	if w.name == "" {
		return
	}
	c.state.SourceRows += found.source.rows
	c.state.SourceNulls += found.source.keyless
	c.state.DestinationRows += found.destination.rows
	c.state.DestinationNulls += found.destination.keyless
	c.state.Walks[w.name] = place{After: s.upto.String(), Done: s.upto.String() == w.upto.String()}
	c.progress(c.state.SourceRows+c.state.DestinationRows, c.estimate)
}

// shifted is the integer key n behind p.
func shifted(p job.Point, n int64) job.Point {
	key, _ := number(p)
	return job.KeyPoint(key.Add(key, big.NewInt(n)).String())
}

// number is the value of an integer key; false for an open place.
func number(p job.Point) (*big.Int, bool) {
	if len(p.Key) != 1 {
		return nil, false
	}
	return new(big.Int).SetString(p.Key[0], 10)
}

// mustWidth is the number of keys in a numeric stretch.
func mustWidth(s stretch) *big.Int {
	width, _ := plan.Width(s.after, s.upto)
	return width
}
