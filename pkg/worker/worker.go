package worker

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// Source reads source rows. Every read that decides over a callback uses the primary.
type Source interface {
	// Page is at most limit rows of r in scan order; the next page begins after next.
	Page(ctx context.Context, r job.Range, limit int) (rows []diff.Row, next job.Point, more bool, err error)
	// Lookup reads rows by scan key, with the values of a callback body on demand.
	Lookup(ctx context.Context, keys []string, body bool) ([]diff.Row, error)
	// BodyColumns are the names of the values in Row.Body.
	BodyColumns() []string
	// Shared gives the scan keys of those rows whose key another source row has too.
	Shared(ctx context.Context, rows []diff.Row) (map[string]bool, error)
}

// Destination reads the rows of one destination.
type Destination interface {
	Name() string
	Relation() diff.Relation
	// Lookup reads the rows that have one of these keys of the source.
	Lookup(ctx context.Context, keys []diff.Key) ([]diff.Row, error)
	// Shown is a row as a callback body shows it, as far as it is compared.
	Shown(row diff.Row) (columns []string, values []diff.Value)
}

// Endpoint sends one callback.
type Endpoint interface {
	Send(ctx context.Context, d job.Delivery) job.Answer
}

// Queue is the job's work as a worker sees it. Errors that mean something
// besides "try again" are the ones of package job.
type Queue interface {
	Lease() time.Duration

	FetchRanges(ctx context.Context, worker string, n int) ([]job.LeasedRange, error)
	Put(ctx context.Context, r job.LeasedRange, portion int, differences []job.Difference) error
	AckRange(ctx context.Context, r job.LeasedRange, portions int, counts job.Counts) error
	BeginRange(ctx context.Context, r job.LeasedRange) error
	RetryRange(ctx context.Context, r job.LeasedRange, again job.Again) error
	SplitRange(ctx context.Context, r job.LeasedRange, parts []job.Range) error
	ParkRange(ctx context.Context, r job.LeasedRange, code string) error
	ReleaseRange(ctx context.Context, r job.LeasedRange) error
	ExtendRanges(ctx context.Context, leases map[string]string) (lost []string, err error)

	FetchCallbacks(ctx context.Context, destination, worker string, n int) ([]job.LeasedCallback, error)
	Settle(ctx context.Context, settlements []job.Settlement) ([]job.Settled, error)
	PutAgain(ctx context.Context, differences []job.Difference) error
	DueCallbacks(ctx context.Context, destination string) (int, error)
	HoldCallbacks(ctx context.Context, destination, code string, delay time.Duration, n int) (moved int, err error)
	HastenCallbacks(ctx context.Context, destination string, all bool) error
	ExtendCallbacks(ctx context.Context, leases map[string]string) (lost []string, err error)

	Brake(ctx context.Context, destination string, most float64, s job.Share) (held bool, err error)

	Promote(ctx context.Context, longest time.Duration) (job.Promoted, error)
	Reclaim(ctx context.Context) (job.Reclaimed, error)
}

// Target is one destination with its receiver.
type Target struct {
	Config      job.Destination
	Destination Destination
	Endpoint    Endpoint // nil where callbacks are off
	Receiver    Receiver // nil where nothing bounds what the receiver is sent
	Hashes      Hashes   // nil where equal rows need not have equal hashes: rows are compared
	Ranges      Ranges   // nil where the scan key is not a key of the destination too
}

// Ranges compares a whole range of scan keys with one destination that has the
// same keys in the same order: both servers fold the range, and only where the
// folds differ is looked at closer.
type Ranges interface {
	// Compare gives the number of source rows in r and the scan keys that may differ.
	Compare(ctx context.Context, r job.Range) (rows int, suspects []string, err error)
	Rehasher
}

// Replicas are servers that follow those of a job's tables.
type Replicas interface {
	// Sides are such as may be read now, for this range; false when there are none for
	// either side.
	Sides(ctx context.Context, r job.Range) (Sides, bool)
}

// Sides are where a range is compared.
type Sides struct {
	Source  Source
	Targets []Target           // the worker's, in the same order
	Failed  func(reason error) // some read failed: they are not to be read for a while; nil of the primaries
}

// Hashes compares a range with one destination by hashes that the servers compute.
type Hashes interface {
	// Page is at most limit rows of r in scan order, with their scan keys.
	Page(ctx context.Context, r job.Range, limit int) (rows []diff.Hashed, next job.Point, more bool, err error)
	// Lookup hashes the rows that have one of these keys of the source.
	Lookup(ctx context.Context, keys []diff.Key) ([]diff.Hashed, error)
	Rehasher
}

// Rehasher hashes rows once more.
type Rehasher interface {
	// Rehash hashes the source rows with these scan keys, and their copies.
	Rehash(ctx context.Context, keys []string) (rows, copies []diff.Hashed, err error)
}

// Config says what one job's worker works on.
type Config struct {
	Job     job.Job
	Queue   Queue
	Source  Source
	Targets []Target
	// Replicas lead to servers on which ranges may be compared; nil where there are none.
	Replicas Replicas
	Log      *slog.Logger
	// Name is shown as the holder of leases: "host:pid".
	Name string
	// Slots bounds the ranges that this process compares at once, over all its jobs; default one.
	Slots *Slots
	// Index tells where a range that has to be divided can be.
	Index plan.Index
	// Probe reads one row of every table of the job: no error says that the databases are well.
	Probe func(ctx context.Context) error
	// RangePoll and CallbackPoll bound the polls behind the hints; default 10 s.
	RangePoll, CallbackPoll time.Duration
	// Grace is how long work in hand may go on after a stop; default 1 s.
	Grace time.Duration
	// Trouble says that people may have to know of something, or that something is over:
	// what it is stands in the queue. It must not block.
	Trouble func()
	// Meter counts; its zero value counts nowhere.
	Meter Meter
	// Pulse hears that the loops turn; nil when nobody listens.
	Pulse Pulse
}

// Pulse hears of each turn of a loop and of its end, so that one that hangs is noticed.
type Pulse interface {
	Turn(loop string, rest time.Duration) // rest is the longest wait between this turn's end and the next one
	End(loop string)
}

// deaf is the Pulse of a worker that nobody listens to.
type deaf struct{}

func (deaf) Turn(string, time.Duration) {}
func (deaf) End(string)                 {}

// Worker runs the loops of one job.
type Worker struct {
	c          Config
	ranges     bell
	due        bell
	comparer   *comparer
	deliveries []*deliverer
}

// New makes a worker; it starts nothing.
func New(c Config) *Worker {
	c.RangePoll = cmp.Or(c.RangePoll, 10*time.Second)
	c.CallbackPoll = cmp.Or(c.CallbackPoll, 10*time.Second)
	c.Grace = cmp.Or(c.Grace, time.Second)
	if c.Slots == nil {
		c.Slots = NewSlots(1)
	}
	if c.Trouble == nil {
		c.Trouble = func() {}
	}
	if c.Pulse == nil {
		c.Pulse = deaf{}
	}
	c.Log = c.Log.With("job", c.Job.Name)
	w := &Worker{c: c, ranges: newBell(), due: newBell()}
	w.comparer = newComparer(w)
	for _, t := range c.Targets {
		if t.Config.Callback.Off {
			continue // what was opened before waits until it is on again
		}
		w.deliveries = append(w.deliveries, newDeliverer(w, t))
	}
	return w
}

// Run works until ctx ends. Then nothing new is fetched, what is in hand may go
// on for the grace time, and the rest is handed back without counting an attempt.
func (w *Worker) Run(ctx context.Context) {
	work, cancel := outliving(ctx, w.c.Grace)
	defer cancel()

	var loops sync.WaitGroup
	loops.Go(func() { w.comparer.run(ctx, work) })
	for _, d := range w.deliveries {
		loops.Go(func() { d.run(ctx, work) })
	}
	loops.Go(func() { w.promote(ctx) })
	loops.Go(func() { w.reclaim(ctx) })
	loops.Wait()
}

// Wake tells the loops that work of a kind may be at hand.
func (w *Worker) Wake(what string) {
	if what == job.WakeRanges || what == job.WakeAll {
		w.ranges.ring()
	}
	if what == job.WakeDue || what == job.WakeAll {
		w.due.ring()
	}
	if what == job.WakeCallbacks || what == job.WakeAll {
		for _, d := range w.deliveries {
			d.bell.ring()
		}
	}
}

// Busy is the number of ranges and callbacks in work.
func (w *Worker) Busy() int {
	n := w.comparer.keeper.count()
	for _, d := range w.deliveries {
		n += d.keeper.count()
	}
	return n
}
