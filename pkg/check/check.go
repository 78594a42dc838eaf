package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Options bound a comparison; zeroes take defaults.
type Options struct {
	// From and To bound the scan keys, (From, To]. KeyedBuckets cannot have them,
	// and Rows then looks one way only.
	From, To job.Point
	// Confirm is how long a difference waits before it is read again; 0: not at all.
	Confirm time.Duration
	// MaxDifferences ends the comparison when so many keys differ at first
	// sight, MaxTime when it takes so long; 0 is no bound.
	MaxDifferences int
	MaxTime        time.Duration
	// Parallel is how many queries run at once on each side; default 2.
	Parallel int
	// Target is the time that a query should take; default 500 ms.
	Target time.Duration
	// Report hears of every finding that was confirmed, by key, from one
	// goroutine. Its error ends the comparison. May be nil.
	Report func(context.Context, Finding) error
	// OnProgress hears how far the comparison is, one call at a time; it must be
	// quick. May be nil.
	OnProgress func(Progress)
	// State is what an earlier run saved; nil begins anew.
	State *State
	// Save keeps the state, about once a second and at the end; may be nil.
	Save func(*State) error

	limits *limits // nil for the default
}

// The bounds end a comparison by these.
var (
	errEnough = errors.New("as many differences as were asked for")
	errLate   = errors.New("the time is over")
)

// Run compares a pair. The error is that of the databases, of ctx, of Report or
// of Save; meeting a bound is none.
func Run(ctx context.Context, p Pair, o Options) (*Result, error) {
	o.Parallel = cmp.Or(o.Parallel, 2)
	o.Target = cmp.Or(o.Target, 500*time.Millisecond)
	if o.State == nil {
		o.State = &State{}
	}
	c := &comparison{pair: p, options: o, limits: *cmp.Or(o.limits, &defaultLimits), began: time.Now(), state: o.State, calm: newCalm()}
	c.state.open(c.limits.suspects)
	result, err := c.run(ctx)
	if err != nil {
		return nil, errors.Join(err, c.save(true))
	}
	return result, c.save(true)
}

// comparison is one Run in progress.
type comparison struct {
	pair    Pair
	options Options
	limits  limits
	began   time.Time
	result  Result
	buffers buffers
	calm    *atomic.Bool // the last stretch that was looked at was equal, and so may be the next

	mu       sync.Mutex
	phase    Phase
	estimate uint64 // rows of both sides
	state    *State
	nextSave time.Time
	last     time.Time // when the last suspect was found
}

// newCalm is that of tables of which nothing is known yet.
func newCalm() *atomic.Bool {
	calm := &atomic.Bool{}
	calm.Store(true)
	return calm
}

func (c *comparison) run(ctx context.Context) (*Result, error) {
	c.result = Result{Strategy: c.pair.Strategy, Found: map[Kind]uint64{}}
	if err := c.weigh(ctx); err != nil {
		return nil, err
	}
	if err := c.find(ctx); err != nil {
		return nil, err
	}
	if err := c.confirm(ctx); err != nil {
		return nil, err
	}
	c.result.SourceRows = c.state.SourceRows + c.state.SourceNulls
	c.result.DestinationRows = c.state.DestinationRows + c.state.DestinationNulls
	c.result.SourceNulls, c.result.DestinationNulls = c.state.SourceNulls, c.state.DestinationNulls
	c.result.Took = time.Since(c.began)
	return &c.result, nil
}

// weigh asks both sides about how many rows they have.
func (c *comparison) weigh(ctx context.Context) error {
	source, target, err := both(ctx, c.pair, func(ctx context.Context, s Side) (int64, error) { return s.Estimate(ctx) })
	if err != nil {
		return err
	}
	c.estimate = uint64(max(source, 0) + max(target, 0))
	return nil
}

// find collects the keys that differ at first sight, until a bound is met.
func (c *comparison) find(ctx context.Context) error {
	c.tell(Comparing, c.state.SourceRows+c.state.DestinationRows, c.estimate)
	if c.options.MaxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, c.began.Add(c.options.MaxTime), errLate)
		defer cancel()
	}
	err := c.look(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errEnough):
		c.result.Bound = DifferencesOver
		return nil
	case errors.Is(context.Cause(ctx), errLate):
		c.result.Bound = TimeOver
		return nil
	default:
		return err
	}
}

func (c *comparison) look(ctx context.Context) error {
	bounded := !c.options.From.Open() || !c.options.To.Open()
	switch c.pair.Strategy {
	case RangeChecksum:
		return c.aligned(ctx)
	case KeyedBuckets:
		if bounded {
			return fmt.Errorf("compare %s with %s: from and to are bounds of the scan key, by which these tables are not related", c.pair.Job, c.pair.Destination)
		}
		return c.keyed(ctx)
	case Rows:
		c.result.OneWay = bounded
		return c.rows(ctx)
	default:
		return fmt.Errorf("compare %s with %s: there is no strategy %q", c.pair.Job, c.pair.Destination, c.pair.Strategy)
	}
}

// suspect notes a key that differs at first sight.
func (c *comparison) suspect(key diff.Key, kind Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.suspects.add(key, kind)
	c.last = time.Now()
}

// enough is errEnough when no more differences are asked for.
func (c *comparison) enough() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if most := c.options.MaxDifferences; most > 0 && c.state.suspects.count() >= uint64(most) {
		return errEnough
	}
	return nil
}

// tell says how far the comparison is, at the beginning of a phase.
func (c *comparison) tell(phase Phase, done, of uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phase = phase
	c.progress(done, of)
}

// progress is called with the lock held.
func (c *comparison) progress(done, of uint64) {
	if c.options.OnProgress != nil {
		c.options.OnProgress(Progress{Phase: c.phase, Done: done, Of: of, Suspects: c.state.suspects.count()})
	}
}
