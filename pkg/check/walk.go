package check

import (
	"context"
	"fmt"
	"math/big"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/masixun71/cupid-go/pkg/job"
)

// walk hands out the stretches of one order one after the other, steers their
// size by the time that they take, and puts what was found in them back into
// their order.
type walk struct {
	name string // in the state; "" for one that is not kept
	// keepCuts also keeps where the stretches ended: to find that out costs a
	// tenth of folding them.
	keepCuts bool
	// step finds the n-th row, guess about how many there are, as a Side does.
	step  func(ctx context.Context, after, upto job.Point, n int) (job.Point, bool, error)
	guess func(ctx context.Context, after, upto job.Point) (int64, bool, error)
	// after and upto bound what is left.
	after, upto job.Point
	cuts        []job.Point // where the next stretches end, known from an earlier walk
	sizes       sizes
	rows        int           // of the next stretch
	target      time.Duration // for its query

	mu     sync.Mutex
	over   bool
	width  *big.Int // keys of the last stretch that was cut by a guess
	share  float64  // rows found for each that was guessed
	serial int      // of the next stretch
	kept   int      // serial of the first stretch that is not done
	done   map[int]func()
}

// stretch is the rows in (after, upto].
type stretch struct {
	after, upto job.Point
	rows        int   // about how many there are
	guess       int64 // rows, as the index guessed; 0 where it was not asked
	serial      int
}

// cover is what was found in a stretch.
type cover struct {
	source, destination seen
	differs             bool          // something did
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
	if s.upto, s.guess, err = w.cut(ctx); err != nil {
		return stretch{}, false, err
	}
	w.after, w.over = s.upto, s.upto.String() == w.upto.String()
	w.serial++
	return s, true, nil
}

// finish notes a stretch as done; merge is called when all before it are.
func (w *walk) finish(s stretch, found cover, merge func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := max(found.source.rows, found.destination.rows)
	if s.guess > 0 && rows > 0 {
		w.share = min(max(float64(rows)/float64(s.guess), leastShare), 1/leastShare)
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
	w.rows, w.share, w.done = w.sizes.first, firstShare, map[int]func(){}
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
	at := s.upto.String()
	c.state.Walks[w.name] = place{After: at, Done: at == w.upto.String()}
	if w.keepCuts {
		c.state.Cuts[w.name] = append(c.state.Cuts[w.name], at)
	}
	c.progress(c.state.SourceRows+c.state.DestinationRows, c.estimate)
}
