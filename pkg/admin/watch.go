package admin

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// shown is how far back the charts go.
	shown = time.Hour
	// A point of a chart is kept for so long at least before the next.
	pointEvery = 10 * time.Second
	// How often the fleet is looked at while somebody looks at the page, and while nobody does.
	watchedEvery, idleEvery = 2 * time.Second, time.Minute
	// fresh is how long a look counts for who asks next.
	fresh = 500 * time.Millisecond
	// Rates are taken over this time at least, so that they do not jump.
	rateOver = 5 * time.Second
)

// watch looks at the fleet and remembers the last hour.
type watch struct {
	fleet Fleet
	wake  chan struct{} // holds one when the next look should not wait

	stopped  chan struct{} // closed by stop
	stopOnce sync.Once

	looking sync.Mutex // one look at once

	mu       sync.Mutex
	last     Overview
	err      error // of the last look
	at       time.Time
	recent   []sample // of the last seconds, for rates
	points   []sample
	watchers map[chan struct{}]struct{}
}

// sample is what is remembered of one look.
type sample struct {
	at   time.Time
	jobs map[string]figures
}

// figures are what is remembered of one job.
type figures struct {
	rows, delivered, closed, ranges int64 // counters
	waiting, open, slow, parked     int64 // lengths
	lagIDs, lagSeconds              int64
}

func newWatch(fleet Fleet) *watch {
	return &watch{fleet: fleet, wake: make(chan struct{}, 1), stopped: make(chan struct{}), watchers: map[chan struct{}]struct{}{}}
}

// run looks until stop.
func (w *watch) run(ctx context.Context) {
	for {
		// Watchers are told of an error, and who asks is too. While nobody watches, what the
		// process has read for its log will do.
		maxAge := idleEvery / 2
		if w.watched() {
			maxAge = 0
		}
		_, _ = w.lookBack(ctx, maxAge)
		every := idleEvery
		if w.watched() {
			every = watchedEvery
		}
		t := time.NewTimer(every)
		select {
		case <-t.C:
		case <-w.wake:
		case <-w.stopped:
			t.Stop()
			return
		}
		t.Stop()
	}
}

// stop ends run, and what watchers listen to.
func (w *watch) stop() { w.stopOnce.Do(func() { close(w.stopped) }) }

// hurry makes the next look come at once.
func (w *watch) hurry() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// changed has those who watch see what a person has just done.
func (w *watch) changed() {
	w.mu.Lock()
	w.at = time.Time{}
	w.mu.Unlock()
	w.hurry()
}

func (w *watch) watched() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.watchers) > 0
}

// subscribe is told of each look from now on; nil when there are too many already.
func (w *watch) subscribe() (told <-chan struct{}, leave func()) {
	const most = 64
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.watchers) >= most {
		return nil, nil
	}
	c := make(chan struct{}, 1)
	w.watchers[c] = struct{}{}
	if len(w.watchers) == 1 {
		w.hurry()
	}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watchers, c)
	}
}

// look asks how the fleet fares, unless somebody has just asked.
func (w *watch) look(ctx context.Context) (Overview, error) { return w.lookBack(ctx, 0) }

// lookBack is content with what was read maxAge ago at most.
func (w *watch) lookBack(ctx context.Context, maxAge time.Duration) (Overview, error) {
	w.looking.Lock()
	defer w.looking.Unlock()
	w.mu.Lock()
	if !w.at.IsZero() && time.Since(w.at) < fresh {
		defer w.mu.Unlock()
		return w.last, w.err
	}
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout) // others want to know it too
	defer cancel()
	o, err := w.fleet.Overview(ctx, maxAge)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.err = time.Now(), err
	if err == nil {
		w.last = w.remember(o)
	}
	for c := range w.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	return w.last, err
}

// state is the last look, and why a newer one failed.
func (w *watch) state() (Overview, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, w.err
}

// remember adds what a look found and fills in what only the past tells.
func (w *watch) remember(o Overview) Overview {
	s := sample{at: o.At, jobs: make(map[string]figures, len(o.Jobs))}
	for i := range o.Jobs {
		s.jobs[o.Jobs[i].Name] = figuresOf(o.Jobs[i])
	}
	before, have := w.before(s.at)
	for i := range o.Jobs {
		j := &o.Jobs[i]
		if then, known := before.jobs[j.Name]; have && known {
			seconds := s.at.Sub(before.at).Seconds()
			j.RowsPerSecond = rate(then.rows, s.jobs[j.Name].rows, seconds)
			j.DeliveredPerSecond = rate(then.delivered, s.jobs[j.Name].delivered, seconds)
		}
	}
	w.recent = append(w.recent, s)
	if n := len(w.points); n == 0 || s.at.Sub(w.points[n-1].at) >= pointEvery {
		w.points = append(w.points, s)
	}
	w.points = newer(w.points, s.at.Add(-shown))
	o.Troubles = troubles(o, w.points)
	return o
}

// before is the look that rates are taken against, and forgets those that are older.
func (w *watch) before(now time.Time) (sample, bool) {
	for len(w.recent) > 1 && now.Sub(w.recent[1].at) >= rateOver {
		w.recent = w.recent[1:]
	}
	w.recent = slices.Clone(w.recent)
	if len(w.recent) == 0 || !w.recent[0].at.Before(now) {
		return sample{}, false
	}
	return w.recent[0], true
}

func newer(all []sample, than time.Time) []sample {
	for len(all) > 0 && all[0].at.Before(than) {
		all = all[1:]
	}
	return slices.Clone(all)
}

func figuresOf(j Job) figures {
	f := figures{
		rows: j.Stats["rows"], delivered: j.Stats["delivered"], ranges: j.Stats["ranges"],
		closed:  j.Stats["closed_equal"] + j.Stats["closed_gone"] + j.Stats["closed_unverified"],
		waiting: j.Depths["ranges"], open: j.Open, slow: j.Depths["callbacks:slow"], parked: j.Depths["callbacks:parked"],
	}
	for scan, behind := range j.Lag {
		if isInsert(scan) {
			f.lagIDs = max(f.lagIDs, behind)
		} else {
			f.lagSeconds = max(f.lagSeconds, behind)
		}
	}
	return f
}

// rate is how fast a counter grew; one that is smaller than before began anew.
func rate(then, now int64, seconds float64) float64 {
	if now < then || seconds <= 0 {
		return 0
	}
	return float64(now-then) / seconds
}

// point is what a chart shows of one moment.
type point struct {
	At                 time.Time `json:"at"`
	RowsPerSecond      float64   `json:"rows_per_second"`
	DeliveredPerSecond float64   `json:"callbacks_per_second"`
	ClosedPerSecond    float64   `json:"closed_per_second"`
	Ranges             int64     `json:"ranges"` // waiting
	Open               int64     `json:"callbacks_open"`
	Slow               int64     `json:"callbacks_slow"`
	Parked             int64     `json:"callbacks_parked"`
	LagIDs             int64     `json:"lag_ids"`     // of the insert scan
	LagSeconds         int64     `json:"lag_seconds"` // of the update scan
}

// chart is the last hour of a job, of all jobs together for "".
func (w *watch) chart(name string) []point {
	w.mu.Lock()
	samples := w.points
	w.mu.Unlock()
	all := []point{}
	for i, s := range samples {
		if i == 0 {
			continue // there is no rate yet
		}
		p := point{At: s.at}
		seconds := s.at.Sub(samples[i-1].at).Seconds()
		for job, now := range s.jobs {
			if name != "" && name != job {
				continue
			}
			p.Ranges += now.waiting
			p.Open += now.open
			p.Slow += now.slow
			p.Parked += now.parked
			p.LagIDs = max(p.LagIDs, now.lagIDs)
			p.LagSeconds = max(p.LagSeconds, now.lagSeconds)
			if then, known := samples[i-1].jobs[job]; known {
				p.RowsPerSecond += rate(then.rows, now.rows, seconds)
				p.DeliveredPerSecond += rate(then.delivered, now.delivered, seconds)
				p.ClosedPerSecond += rate(then.closed, now.closed, seconds)
			}
		}
		all = append(all, p)
	}
	return all
}
