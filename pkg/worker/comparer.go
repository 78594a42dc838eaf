package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// portionSize bounds what one script writes.
	portionSize = 100
)

// Comparer is the comparer's name to its Pulse. It is one for all jobs of a process:
// they share the slots, and one may rightly wait while another compares.
const Comparer = "comparer"

// comparer leases ranges and compares them, as many at once as the process has slots.
type comparer struct {
	w      *Worker
	keeper *keeper
	told   time.Time // when the log last heard of a limit
}

func newComparer(w *Worker) *comparer {
	return &comparer{w: w, keeper: newKeeper(w.c.Queue.Lease(), w.c.Log, w.c.Queue.ExtendRanges)}
}

func (c *comparer) run(ctx, work context.Context) {
	q := c.w.c.Queue
	keeping, stop := context.WithCancel(work)
	var kept, comparing sync.WaitGroup
	kept.Go(func() { c.keeper.run(keeping) })
	defer kept.Wait()
	defer stop()
	defer comparing.Wait()

	polls := poll{longest: c.w.c.RangePoll}
	defer c.w.c.Pulse.End(Comparer) // of another job it begins again with the next turn
	for ctx.Err() == nil {
		if c.w.c.Slots.take(ctx) != nil {
			return
		}
		c.w.c.Pulse.Turn(Comparer, c.w.c.RangePoll)
		asked := time.Now()
		leased, err := q.FetchRanges(ctx, c.w.c.Name, 1)
		if len(leased) == 0 {
			c.w.c.Slots.give()
			c.backlog(err)
			c.w.ranges.wait(ctx, polls.after(c.w.refused(ctx, "fetch ranges", err)))
			continue
		}
		polls.found()
		comparing.Go(func() { c.one(ctx, work, leased[0], asked) })
	}
}

// backlog says that a limit is met, and again while it lasts.
func (c *comparer) backlog(err error) {
	const every = time.Minute
	var limit *job.LimitError
	if errors.As(err, &limit) && (c.told.IsZero() || time.Since(c.told) >= every) {
		c.told = time.Now()
		c.w.c.Log.Warn("nothing is compared at a limit", "limit", limit.Error())
		c.w.c.Trouble()
	}
}

// one runs a leased range, gives its slot back, and says what became of it.
func (c *comparer) one(stop, work context.Context, r job.LeasedRange, asked time.Time) {
	ctx, cancel := context.WithCancel(work)
	defer cancel()
	c.keeper.keep(r.ID, r.Token, asked, cancel)
	defer c.keeper.drop(r.ID, r.Token)
	err := c.attempt(ctx, stop, r)

	// The answer must reach the queue even when work is over: it costs one round trip.
	answer, cancelAnswer := outliving(work, answerTime)
	defer cancelAnswer()
	log := c.w.c.Log.With("range", r.ID)
	if ctx.Err() != nil && work.Err() == nil {
		err = job.ErrLost // the keeper ended it
	}
	switch {
	case err == nil:
	case errors.Is(err, job.ErrLost):
		log.Info("a range went to another worker")
	case stop.Err() != nil:
		if err := c.w.c.Queue.ReleaseRange(answer, r); err != nil {
			log.Info("a range was not given back and waits for the end of its lease", "error", err)
		}
	default:
		again := c.again(ctx, r, err)
		log.Warn("a range could not be compared and is tried again", "after", again.Delay, "attempt", r.Attempts+1, "blamed", again.Blamed, "error", err)
		if err := c.giveBack(work, answer, r, again); err != nil {
			log.Info("a range was not given back and waits for the end of its lease", "error", err)
		}
	}
}

// giveBack insists while the queue is away: a range whose lease ends without a word would be blamed for that.
func (c *comparer) giveBack(work, answer context.Context, r job.LeasedRange, again job.Again) error {
	for try := 1; ; try++ {
		err := c.w.c.Queue.RetryRange(answer, r, again)
		if !isDown(err) || work.Err() != nil {
			return err
		}
		c.w.c.Pulse.Turn(Comparer, c.w.c.RangePoll)
		rest(work, backoff(try, 5*time.Second))
	}
}

// attempt compares a range, or divides it when it has failed too often.
func (c *comparer) attempt(ctx, stop context.Context, r job.LeasedRange) error {
	leave, err := c.enter(stop, r)
	defer leave()
	switch {
	case err != nil:
		return err
	case stop.Err() != nil:
		return errStopped
	case r.Stalls >= job.StallsSplit:
		return c.divide(ctx, r)
	}
	if err := c.w.c.Queue.BeginRange(ctx, r); err != nil {
		return err
	}
	began := time.Now()
	counts, err := c.compare(job.WithProgress(ctx, func() {
		c.keeper.progress(r.ID)
		c.w.c.Pulse.Turn(Comparer, c.w.c.RangePoll)
	}), stop, r)
	took := time.Since(began)
	c.w.c.Meter.Range(r.Range.Scan, counts, took, err)
	if err == nil {
		c.w.c.Log.Debug("range compared", "range", r.ID, "rows", counts["rows"], "differences", counts["differences"], "took", took)
	}
	return err
}

// answerTime is for the last words to the queue, after the grace time of a stop.
const answerTime = 400 * time.Millisecond

var errStopped = errors.New("stopped")

// compare reads the range page by page, puts what differs and acks. Each
// destination that can be compared by hashes is gone through by itself, the
// others share the reading of the source's rows.
func (c *comparer) compare(ctx, stop context.Context, r job.LeasedRange) (job.Counts, error) {
	counts := job.Counts{"ranges": 1, "rows": 0, "differences": 0}
	portion := 0
	way := c.way(ctx, r)
	for n := range way.passes {
		rest := r.Range
		for more := true; more; {
			if stop.Err() != nil {
				return counts, errStopped
			}
			p, err := way.read(ctx, n, rest)
			if err != nil {
				return counts, err
			}
			rest.After, more = p.next, p.more
			if n == 0 { // a row counts once, however many destinations it has
				counts["rows"] += int64(p.rows)
				counts.Add("null_keys", p.keyless)
			}
			counts["differences"] += int64(p.differing)
			counts.Add("unexplained", p.unexplained)
			c.brake(ctx, way.passes[n].targets, p)
			for portionOf := range slices.Chunk(p.differences, portionSize) {
				portion++
				if err := c.w.c.Queue.Put(ctx, r, portion, portionOf); err != nil {
					return counts, err
				}
			}
			job.Progress(ctx)
		}
	}
	c.w.c.Meter.ReadOn(way.sides.Failed != nil)
	return counts, c.w.c.Queue.AckRange(ctx, r, portion, counts)
}

// typeOf is the type that a callback would carry.
func typeOf(v diff.Verdict) job.Type {
	if v == diff.Missing {
		return job.Missing
	}
	return job.Different
}

// copiesOf reads what a destination has of source rows.
func copiesOf(ctx context.Context, rows []diff.Row, t Target) ([]diff.Row, error) {
	copies, err := t.Destination.Lookup(ctx, keysOf(t.Destination.Relation(), rows))
	if err != nil {
		return nil, fmt.Errorf("read rows of destination %s: %w", t.Config.Name, err)
	}
	return copies, nil
}

// keysOf are the keys of source rows; a row without one has no place in them.
func keysOf(relation diff.Relation, rows []diff.Row) []diff.Key {
	keys := make([]diff.Key, 0, len(rows))
	for _, row := range rows {
		if key, ok := relation.SourceKey(row); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// refused logs why a fetch gave nothing and says whether it was a failure; at a
// limit, while paused, or without a scheduler there is just nothing to do.
func (w *Worker) refused(ctx context.Context, what string, err error) bool {
	var spec *job.SpecError
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, job.ErrPaused), isLimit(err):
		return false
	case errors.As(err, &spec):
		w.c.Log.Warn("this job gets no work here", "error", err)
		return true
	default:
		w.c.Log.Warn("a step of the worker failed and is tried again", "step", what, "error", err)
		return true
	}
}
