package scheduler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

// Table is the source table, as far as a scheduler looks at it.
type Table interface {
	plan.Index
	// NumericKey says that scan keys are decimal numbers.
	NumericKey() bool
	// Bounds is the greatest scan key; behind says that it sorts below cursor.
	Bounds(ctx context.Context, cursor job.Point) (top job.Point, found, behind bool, err error)
	// Clock is the database's clock in UTC, and the zone of the wall clock that the update column keeps.
	Clock(ctx context.Context) (now time.Time, zone *time.Location, err error)
	// RecentClock is Clock, or a reading of a moment ago: never ahead of it.
	RecentClock(ctx context.Context) (now time.Time, zone *time.Location, err error)
	// Still reports whether top is still the greatest scan key.
	Still(ctx context.Context, top job.Point) (bool, error)
	// Quiet reports whether no row has an update time in (after, upto].
	Quiet(ctx context.Context, after, upto job.Point) (bool, error)
	// UpdateUnit is the smallest step of the update column.
	UpdateUnit() time.Duration
}

// Queue is where the ranges of the job are claimed.
type Queue interface {
	Lead(ctx context.Context, ttl time.Duration, who string) (Leadership, error)
	Register(ctx context.Context, leader string) error
	Cursor(ctx context.Context, scan job.Scan, shard job.Shard) (job.Point, bool, error)
	Samples(ctx context.Context, n int) ([]job.Sample, error)
	Room(ctx context.Context) (int, error)
}

// Leadership is the right to claim, until it is lost.
type Leadership interface {
	Claim(ctx context.Context, c job.Claim) error
	ClaimLate(ctx context.Context, sample job.Sample, ranges []job.Range, rest *job.Range) error
	Refresh(ctx context.Context, ttl time.Duration) error
	Release(ctx context.Context) error
}

// Config says what one job's scheduler works on.
type Config struct {
	Job   job.Job
	Table Table
	Queue Queue
	Log   *slog.Logger
	// Who is shown to people who ask who leads: "host:pid".
	Who string
	// OnLag hears how far a scan is behind: ids for an insert scan, seconds for an update scan. May be nil.
	OnLag func(scan job.Scan, behind int64)
	// Pulse hears that the loops turn; nil when nobody listens.
	Pulse Pulse
	// Phase shifts the moments at which the scans of a process look, which are the same for all its jobs.
	Phase time.Duration
	// LockTTL is how long a leader that died keeps others out; default 10 s.
	LockTTL time.Duration
}

// Pulse hears of each turn of a loop and of its end, so that one that hangs is noticed.
type Pulse interface {
	Turn(loop string, rest time.Duration) // rest is the longest wait between this turn's end and the next one
	End(loop string)
}

// deaf is the Pulse of a scheduler that nobody listens to.
type deaf struct{}

func (deaf) Turn(string, time.Duration) {}
func (deaf) End(string)                 {}

// Scheduler claims the ranges of one job whenever it leads.
type Scheduler struct {
	c Config
	// updated is how far the update scan came while this one led, for a queue that
	// loses its data. Only the loop of the update scan uses it.
	updated *job.Point
	// fruitless is how many times in a row this one led and none of its scans came
	// to anything.
	fruitless atomic.Int32
}

// New makes a scheduler; it starts nothing.
func New(c Config) *Scheduler {
	c.LockTTL = cmp.Or(c.LockTTL, 10*time.Second)
	if c.Pulse == nil {
		c.Pulse = deaf{}
	}
	c.Log = c.Log.With("job", c.Job.Name)
	return &Scheduler{c: c}
}

// Run leads the job, or waits to lead it, until ctx ends; a scheduler that
// stops gives the lead up at once. The only error is *job.SpecError: the job is
// known with another source, which no waiting mends.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.c.Pulse.End("lead")
	for ctx.Err() == nil {
		s.c.Pulse.Turn("lead", s.c.LockTTL)
		asked := time.Now()
		l, err := s.c.Queue.Lead(ctx, s.c.LockTTL, s.c.Who)
		switch {
		case errors.Is(err, job.ErrLost):
			sleep(ctx, s.c.LockTTL/3+rand.N(s.c.LockTTL/10))
			continue
		case err != nil:
			s.failed(ctx, "lead", err)
			sleep(ctx, time.Second+rand.N(time.Second))
			continue
		}
		err = s.lead(ctx, l, asked)
		s.release(ctx, l)
		var spec *job.SpecError
		switch {
		case errors.As(err, &spec):
			return err
		case errors.Is(err, errFruitless):
			s.c.Log.Warn("no scan of the job has come to anything, another scheduler may lead", "error", err)
			sleep(ctx, s.c.LockTTL/2+rand.N(s.c.LockTTL/10)) // those that wait look once meanwhile
		case err != nil:
			s.failed(ctx, "register", err)
			sleep(ctx, time.Second)
		}
	}
	return nil
}

// release gives the lock up even while ctx is over, so that the next one need not wait for its end.
func (s *Scheduler) release(ctx context.Context, l Leadership) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := l.Release(ctx); err != nil {
		s.c.Log.Debug("the lock was not released and ends by itself", "error", err)
	}
}

// lead runs the scans while the lock is held, which was asked for at asked. The
// error is that of registering the job, or errFruitless.
func (s *Scheduler) lead(ctx context.Context, l Leadership, asked time.Time) error {
	if err := s.c.Queue.Register(ctx, s.c.Who); err != nil {
		return err
	}
	s.c.Log.Info("leading the job")
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var loops sync.WaitGroup
	run := func(loop string, every time.Duration, tick func(context.Context) (more bool, err error), note func(error)) {
		loops.Go(func() {
			defer cancel(nil) // a loop that ends early has learnt that the lead is lost
			s.repeat(ctx, loop, every, tick, note)
		})
	}
	late := &latePass{s: s, l: l}
	late.owes.Store(true) // by who led before
	l = noting{l, late}
	luck := luck{patience: s.patience()}
	scan := func(loop string, every time.Duration, tick func(context.Context) (more bool, err error)) {
		run(loop, every, tick, func(err error) {
			if err == nil {
				s.fruitless.Store(0)
			}
			if luck.out(err == nil) {
				cancel(fmt.Errorf("%w: %w", errFruitless, err))
			}
		})
	}
	if s.c.Job.Insert.Enabled {
		scan("insert scan", s.c.Job.Insert.Every, (&insertScan{s: s, l: l, cutter: s.cutter(job.Insert)}).tick)
	}
	if s.c.Job.Update.Enabled {
		scan("update scan", s.c.Job.Update.Every, (&updateScan{s: s, l: l, cutter: s.cutter(job.Update)}).tick)
	}
	run("late pass", late.every(), late.tick, func(error) {})
	s.hold(ctx, l, asked)
	cancel(nil)
	loops.Wait()
	if err := context.Cause(ctx); errors.Is(err, errFruitless) {
		s.fruitless.Add(1)
		return err
	}
	return nil
}

// hold refreshes the lock until it is lost or ctx ends. A lock that could not be
// refreshed in time counts as lost before Redis can give it away.
func (s *Scheduler) hold(ctx context.Context, l Leadership, asked time.Time) {
	ttl := s.c.LockTTL
	pause, end := ttl/2, asked.Add(ttl-ttl/10) // time enough for a few tries more
	for {
		sleep(ctx, min(pause, time.Until(end)))
		if ctx.Err() != nil {
			return
		}
		s.c.Pulse.Turn("lead", s.c.LockTTL)
		began := time.Now()
		if !began.Before(end) {
			s.c.Log.Warn("the lock could not be refreshed in time and is given up")
			return
		}
		refreshing, cancel := context.WithDeadline(ctx, end)
		err := l.Refresh(refreshing, ttl)
		cancel()
		switch {
		case err == nil:
			pause, end = ttl/2, began.Add(ttl-ttl/10)
		case errors.Is(err, job.ErrLost):
			s.c.Log.Warn("the lock was lost, another scheduler may lead")
			return
		default:
			s.failed(ctx, "refresh the lock", err)
			pause = ttl / 10
		}
	}
}

// repeat runs tick at its interval, sooner while there is more to claim, later
// while it fails, until ctx ends or the lead is lost. note hears how each ended.
func (s *Scheduler) repeat(ctx context.Context, loop string, every time.Duration, tick func(context.Context) (bool, error), note func(error)) {
	const soon, longest, most = 100 * time.Millisecond, 30 * time.Second, 8
	failures := 0
	if s.fruitless.Load() > 0 {
		failures = most // it goes on where it gave the lead up
	}
	defer s.c.Pulse.End(loop)
	for ctx.Err() == nil {
		s.c.Pulse.Turn(loop, max(every, longest))
		began := time.Now()
		more, err := tick(ctx)
		var limit *job.LimitError
		switch {
		case err == nil && more:
			failures = 0
			note(nil)
			sleep(ctx, min(soon, every))
		case err == nil, errors.As(err, &limit), errors.Is(err, job.ErrPaused):
			failures = 0
			note(nil)
			sleep(ctx, min(every-time.Since(began), s.untilNext(every)))
		case errors.Is(err, job.ErrLost):
			s.c.Log.Warn("the lock was lost, another scheduler may lead")
			return
		default:
			s.failed(ctx, "scan", err)
			note(err)
			failures++
			pause := min(every<<min(failures, most), longest)
			sleep(ctx, max(every, pause/2+rand.N(pause/2+1)))
		}
	}
}

// untilNext is the time until all scans with this interval look again: together, so
// that those of one server can share a statement.
func (s *Scheduler) untilNext(every time.Duration) time.Duration {
	now := time.Now().Add(-s.c.Phase)
	return every - now.Sub(now.Truncate(every))
}

func (s *Scheduler) lag(scan job.Scan, behind int64) {
	if s.c.OnLag != nil {
		s.c.OnLag(scan, behind)
	}
}

// begins says once where a scan without a saved cursor begins.
func (s *Scheduler) begins(scan job.Scan, at job.Point, said *bool) {
	if !*said {
		*said = true
		s.c.Log.Info("no cursor of this scan is saved, it begins at its start", "scan", scan, "behind", at.String())
	}
}

func (s *Scheduler) failed(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.c.Log.Warn("a step of the scheduler failed and is tried again", "step", what, "error", err)
	}
}

func (s *Scheduler) cutter(scan job.Scan) *plan.Cutter {
	return &plan.Cutter{
		Index: s.c.Table, Scan: scan, Shard: s.c.Job.Source.Shard, Rows: s.c.Job.RangeRows,
		Numeric: s.c.Table.NumericKey() && (scan == job.Insert || scan == job.InsertLate),
	}
}

// cut cuts stretches that follow each other into up to most ranges.
func (s *Scheduler) cut(ctx context.Context, c *plan.Cutter, stretches [][2]job.Point, most int) ([]job.Range, error) {
	var ranges []job.Range
	for _, ends := range stretches {
		cut, err := c.Cut(ctx, ends[0], ends[1], most-len(ranges))
		if err != nil {
			return nil, err
		}
		if ranges = append(ranges, cut...); len(ranges) >= most {
			break
		}
	}
	return ranges, nil
}

// room is how many ranges may be claimed now, bounded so that one script stays short.
func (s *Scheduler) room(ctx context.Context) (int, error) {
	const batch = 100
	n, err := s.c.Queue.Room(ctx)
	if err != nil {
		return 0, fmt.Errorf("read how many ranges wait: %w", err)
	}
	return min(n, batch), nil
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
