package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/check"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/scheduler"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
	"github.com/masixun71/cupid-go/pkg/worker"
)

var (
	_ scheduler.Table    = (*mysql.Source)(nil)
	_ scheduler.Queue    = leading{}
	_ worker.Source      = (*mysql.Source)(nil)
	_ worker.Destination = (*mysql.Destination)(nil)
	_ worker.Queue       = asking{}
	_ worker.Endpoint    = (*callback.Endpoint)(nil)
)

// leading gives a broker's leadership as the scheduler's interface.
type leading struct {
	*broker.Queue
	r *jobRun
}

func (l leading) Lead(ctx context.Context, ttl time.Duration, who string) (scheduler.Leadership, error) {
	lead, err := l.Queue.Lead(ctx, ttl, who)
	if err != nil {
		return nil, err
	}
	return claiming{lead, l.r}, nil
}

// claiming counts the ranges that are claimed.
type claiming struct {
	scheduler.Leadership
	r *jobRun
}

// Claim is the leadership's.
func (c claiming) Claim(ctx context.Context, claim job.Claim) error {
	err := c.Leadership.Claim(ctx, claim)
	if err == nil {
		c.r.noteClaimed(len(claim.Ranges))
	}
	return err
}

// ClaimLate is the leadership's.
func (c claiming) ClaimLate(ctx context.Context, sample job.Sample, ranges []job.Range, rest *job.Range) error {
	err := c.Leadership.ClaimLate(ctx, sample, ranges, rest)
	if err == nil {
		c.r.noteClaimed(len(ranges))
	}
	return err
}

// asking is a worker's queue that notes whether the leader has the same config as this process.
type asking struct {
	*broker.Queue
	r *jobRun
}

// FetchRanges is the queue's.
func (q asking) FetchRanges(ctx context.Context, worker string, n int) ([]job.LeasedRange, error) {
	if q.r.a.held() != "" {
		return nil, job.ErrPaused
	}
	leased, err := q.Queue.FetchRanges(ctx, worker, n)
	q.r.noteOther(err)
	q.r.noteLeased("range", len(leased))
	return leased, err
}

// FetchCallbacks is the queue's.
func (q asking) FetchCallbacks(ctx context.Context, destination, worker string, n int) ([]job.LeasedCallback, error) {
	if q.r.a.held() != "" {
		return nil, job.ErrPaused
	}
	leased, err := q.Queue.FetchCallbacks(ctx, destination, worker, n)
	q.r.noteOther(err)
	q.r.noteLeased("callback", len(leased))
	return leased, err
}

// noteClaimed counts ranges that this process has claimed.
func (r *jobRun) noteClaimed(n int) {
	if n > 0 {
		r.worked.Store(true)
	}
	r.a.meters.claimed.WithLabelValues(r.job.Name).Add(float64(n))
}

// noteLeased counts ranges or callbacks that this process has leased.
func (r *jobRun) noteLeased(what string, n int) {
	if n > 0 {
		r.worked.Store(true)
	}
	r.a.meters.leased.WithLabelValues(r.job.Name, what).Add(float64(n))
}

// noteOther keeps what a fetch said of the leader's config; an error that is about
// something else says nothing of it.
func (r *jobRun) noteOther(err error) {
	spec, other := errors.AsType[*job.SpecError](err)
	if !other && err != nil && !errors.Is(err, job.ErrPaused) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.other
	if r.other = nil; other {
		r.other = spec
	}
	if (was == nil) != (r.other == nil) {
		r.a.tellRegistry()
		if was != nil {
			r.log.Info("the leader has the same config again, work goes on")
		}
	}
}

// jobRun is one job of this process.
type jobRun struct {
	a   *App
	job job.Job
	log *slog.Logger
	ran bool // its loops ran since it began; only run knows

	cancel context.CancelFunc
	ended  chan struct{}
	leaves bool // the config names it no more; guarded by the App's mutex

	teller *teller
	worked atomic.Bool // something was claimed or leased since the last report

	mu     sync.Mutex
	state  string // starting, running, refused, stopped
	why    error
	other  error // the leader has another config than this process
	worker *worker.Worker
	hosts  []string // of the receivers that this process calls
	lag    lagNotes
}

// noteLag keeps how far a scan is behind until the next beat.
func (r *jobRun) noteLag(scan job.Scan, behind int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lag.note(string(scan)+":"+r.job.Source.Shard.String(), behind)
}

// takeLag gives what the fleet should be told since the last call.
func (r *jobRun) takeLag() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lag.take()
}

// trouble is what a worker says when people may have something to know.
func (r *jobRun) trouble() {
	r.teller.ring()
	r.a.teller.ring()
}

// calls notes that this process calls a receiver.
func (r *jobRun) calls(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.hosts, host) {
		r.hosts = append(r.hosts, host)
	}
}

// called are the receivers that this process calls.
func (r *jobRun) called() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.hosts)
}

func (r *jobRun) set(state string, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.why = state, why
}

func (r *jobRun) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.why
}

func (r *jobRun) current() *worker.Worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.worker
}

// run opens the job's databases, waits for them, and runs its loops until ctx
// ends or the job turns out to have a mistake. A table that changes while the job
// runs (a column was dropped, the table swapped, a password rotated) is no mistake
// of the config: it is looked at again, as long as it takes.
func (r *jobRun) run(ctx context.Context) {
	const shortest, longest = time.Second, 30 * time.Second
	began := time.Now()
	defer r.forget()
	err := r.work(ctx)
	for pause := shortest; ctx.Err() == nil && r.ran && (isChanged(err) || errors.Is(err, ErrConfig)); pause = min(2*pause, longest) {
		if time.Since(began) > time.Minute {
			pause = shortest
		}
		r.log.Warn("a table is not what it was, it is looked at again", "error", err)
		r.set("starting", nil)
		r.a.setDown("tables of job "+r.job.Name, err.Error())
		sleep(ctx, pause*4/5+rand.N(pause*2/5))
		began = time.Now()
		err = r.work(ctx)
	}
	if err == nil || ctx.Err() != nil {
		r.set("stopped", nil)
		return
	}
	r.set("refused", err)
	if r.a.goesOnWithout() {
		r.log.Error("this job does not run, the others do", "error", err)
	}
}

// changedError ends the loops of a job whose tables are not what they were.
type changedError struct{ found error }

func (e *changedError) Error() string { return e.found.Error() }

func isChanged(err error) bool {
	_, is := errors.AsType[*changedError](err)
	return is
}

// poolSize is how many connections a process may have to one database, besides one for
// each range that it compares.
const poolSize = 8

// work runs the job once. A *changedError says that its tables are not what they were.
func (r *jobRun) work(ctx context.Context) error {
	mistakes := make(chan error, 1)
	options := mysql.Options{
		Pools: &r.a.pools, MaxOpen: poolSize + r.a.c.Worker.Comparers,
		StatementTimeout: r.a.c.Process.Lease * 2 / 3, Gate: r.a.gates.of, OnQuery: r.a.meters.query,
		OnMistake: func(err error) {
			select {
			case mistakes <- err:
			default:
			}
		},
	}
	opened, err := openPools(r.job, options)
	if err != nil {
		return err
	}
	defer opened.close(r.log)
	copies, err := r.openReplicas(options)
	if err != nil {
		return err
	}
	defer copies.close()
	defer r.a.probe(opened)()
	plan, err := r.inspect(ctx, opened)
	if err != nil || plan == nil {
		return err
	}
	queue, err := r.queue(plan)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := r.known(ctx, queue); err != nil || ctx.Err() != nil {
		return err
	}
	w, closeEndpoints, err := r.newWorker(plan, queue, copies)
	if err != nil {
		return err
	}
	defer closeEndpoints()
	select {
	case <-mistakes: //nolint:errcheck // the look itself met it, and then found all well
	default:
	}
	r.ran = true
	r.a.setDown("tables of job "+r.job.Name, "")
	r.set("running", nil)
	return r.loops(ctx, plan, queue, w, mistakes)
}

// loops runs until ctx ends, the scheduler refuses the job, or a mistake is met.
func (r *jobRun) loops(ctx context.Context, plan *mysql.Plan, queue *broker.Queue, w *worker.Worker, mistakes <-chan error) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var loops sync.WaitGroup
	r.teller.read = queue.Alerts
	loops.Go(func() { r.teller.run(ctx) })
	loops.Go(func() {
		select {
		case found := <-mistakes:
			cancel(&changedError{found})
		case <-ctx.Done():
		}
	})
	if r.a.role != Scheduler {
		r.mu.Lock()
		r.worker = w
		r.mu.Unlock()
		loops.Go(func() { w.Run(ctx) })
	}
	if r.a.role != Worker {
		r.sayWhere(ctx, queue)
		s := scheduler.New(scheduler.Config{Job: r.job, Table: plan.Source, Queue: leading{queue, r}, Log: r.a.log, Who: r.a.id, OnLag: r.noteLag, Pulse: r, Phase: r.a.phase})
		err = s.Run(ctx)
		cancel(nil)
	}
	loops.Wait()
	if changed, is := errors.AsType[*changedError](context.Cause(ctx)); is && err == nil {
		return changed
	}
	return err
}

// sayWhere tells people that the job goes on where it was: a start id that stands
// in a supervisor's command line for ever must not scan from there at each start.
func (r *jobRun) sayWhere(ctx context.Context, q *broker.Queue) {
	if r.job.StartID == "" || !r.job.Insert.Enabled {
		return
	}
	cursor, found, err := q.Cursor(ctx, job.Insert, r.job.Source.Shard)
	if err != nil || !found {
		return // the scheduler reads it too, and says why it cannot
	}
	again := "cupid rescan looks at older rows again"
	if r.a.store != nil {
		again = "to scan anew, stop cupid and move the state file away"
	}
	r.log.Info("the start id is ignored, the insert scan goes on behind its saved cursor",
		"start_id", r.job.StartID, "cursor", cursor.String(), "to_look_again", again)
}

// inspect reads both sides' metadata; databases that are down are waited for.
func (r *jobRun) inspect(ctx context.Context, opened pools) (plan *mysql.Plan, err error) {
	err = r.a.patiently(ctx, "databases of job "+r.job.Name, func(ctx context.Context) (err error) {
		plan, err = opened.inspect(ctx, r.job)
		return err
	})
	if err == nil && plan != nil {
		for _, w := range plan.Warnings {
			r.log.Warn("the tables work, but not as well as they could", "warning", w.String())
		}
		if r.a.role != Worker {
			r.warnOfClock(ctx, plan.Source)
		}
	}
	return plan, err
}

// warnOfClock says so when the newest update time lies hours from the database's
// clock: whoever writes it may keep the wall clock of another zone, and then no
// slice of time would ever hold what was just written.
func (r *jobRun) warnOfClock(ctx context.Context, source *mysql.Source) {
	if !r.job.Update.Enabled {
		return
	}
	behind, _, err := updateTime(ctx, source)
	if err == nil && behind.Abs() > farFromClock { // of an error the scan says what is wrong
		r.log.Warn("the newest update time lies far from the database's clock; if rows are being written now, the column keeps another zone's wall clock: set update.zone",
			"column", r.job.Update.Column, "behind", behind)
	}
}

// farFromClock is how far the newest update time may lie from the clock.
const farFromClock = time.Hour

// updateTime is how far the newest update time lies behind the database's clock,
// negative before it, and the zone in which the column is read.
func updateTime(ctx context.Context, source *mysql.Source) (behind time.Duration, zone *time.Location, err error) {
	now, zone, err := source.Clock(ctx)
	if err != nil {
		return 0, nil, err
	}
	top, found, err := source.UpdateTop(ctx)
	if err != nil || !found {
		return 0, zone, err
	}
	return now.Sub(top).Round(time.Second), zone, nil
}

func (r *jobRun) queue(plan *mysql.Plan) (*broker.Queue, error) {
	details, err := fingerprint(r.job)
	if err != nil {
		return nil, err
	}
	return r.a.broker.Queue(broker.QueueConfig{
		Job: r.job.Name, Destinations: destinationNames(r.job), Lease: r.a.c.Process.Lease, ConfirmDelay: r.job.ConfirmDelay,
		Spec:   broker.Spec{Identity: plan.Source.Identity(), Details: details},
		Limits: broker.Limits{MaxRanges: r.job.MaxRanges, MaxCallbacks: r.job.MaxCallbacks},
	})
}

func destinationNames(j job.Job) []string {
	names := make([]string, len(j.Destinations))
	for i, d := range j.Destinations {
		names[i] = d.Name
	}
	return names
}

// fingerprint is a hash of what must be the same in every process: which
// columns are compared with which destinations, and where callbacks go.
func fingerprint(j job.Job) (string, error) {
	type destination struct {
		Name, Table, URL string
		By               []string
		Columns          []job.ColumnPair
		Where            string `json:",omitempty"` // as before where nobody uses it
	}
	view := struct {
		By           []string
		Destinations []destination
		Where        string `json:",omitempty"`
		Replicated   bool   `json:",omitempty"` // a leader that knows of no replicas claims too few second looks
	}{By: j.Source.ByColumns, Where: j.Source.Where, Replicated: j.Replicated()}
	for _, d := range j.Destinations {
		view.Destinations = append(view.Destinations, destination{d.Name, d.Table, d.Callback.URL, d.ByColumns, d.Columns, d.Where})
	}
	text, err := json.Marshal(view)
	if err != nil {
		return "", fmt.Errorf("fingerprint of job %s: %w", j.Name, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// known refuses a job that this Redis knows with another source or scan key.
func (r *jobRun) known(ctx context.Context, q *broker.Queue) error {
	return r.a.patiently(ctx, "redis", func(ctx context.Context) error {
		err := q.Register(ctx, "")
		if _, other := errors.AsType[*job.SpecError](err); other {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
		return err
	})
}

// hash lets the servers compare what they can.
func (r *jobRun) hash(t *worker.Target, plan *mysql.Plan, n int) {
	if ok, _ := plan.Destinations[n].Hashable(); ok {
		t.Hashes = hashes{source: plan.Source, destination: plan.Destinations[n], n: n}
	}
	pair := pairOf(r.job.Name, t.Config.Name, plan.Pairing(n, mysql.PairingOptions{}))
	if ranges, err := check.NewRanges(pair); err == nil { // else it is compared in another way
		t.Ranges = aligned{pair: pair, ranges: ranges, rows: r.job.RangeRows}
	}
}

// probe asks whether the databases of a job are well.
func probe(plan *mysql.Plan) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := plan.Source.Probe(ctx); err != nil {
			return err
		}
		for _, d := range plan.Destinations {
			if err := d.Probe(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// seldom is how often each job may be asked for where hints come before: the more jobs
// a process has, the more seldom, so that a fleet that has nothing to do asks Redis as
// often with a thousand jobs as with ten.
func (a *App) seldom(longest time.Duration) time.Duration {
	const perJob = 100 * time.Millisecond
	return min(time.Duration(len(a.runs()))*perJob, longest)
}

// idlePoll is the longest wait between two polls behind the hints.
func (r *jobRun) idlePoll(configured time.Duration) time.Duration {
	const longest = time.Minute
	return max(configured, r.a.seldom(longest))
}

func (r *jobRun) newWorker(plan *mysql.Plan, queue *broker.Queue, copies *replicas) (w *worker.Worker, closeAll func(), err error) {
	var endpoints []*callback.Endpoint
	closeAll = func() {
		for _, e := range endpoints {
			e.Close()
		}
	}
	var targets []worker.Target
	receivers := map[string]string{}
	for i, d := range r.job.Destinations {
		target := worker.Target{Config: d, Destination: plan.Destinations[i]}
		r.hash(&target, plan, i)
		if ok, why := plan.Destinations[i].Hashable(); !ok {
			r.log.Info("rows are compared, not their hashes", "destination", d.Name, "why", why)
		}
		if !d.Callback.Off { // then it may have no address
			e, err := callback.New(d.Callback)
			if err != nil {
				closeAll()
				return nil, nil, fmt.Errorf("%w: destination %s: %w", ErrConfig, d.Name, err)
			}
			endpoints = append(endpoints, e)
			r.calls(e.Host())
			receivers[d.Name] = e.Host()
			target.Endpoint, target.Receiver = e, r.a.broker.Endpoint(e.Host(), d.Callback.Limit, d.Callback.Timeout)
		}
		targets = append(targets, target)
	}
	c := worker.Config{
		Job: r.job, Queue: asking{queue, r}, Source: plan.Source, Targets: targets, Log: r.a.log, Name: r.a.id,
		Slots: r.a.slots, Index: plan.Source, Probe: probe(plan), RangePoll: r.idlePoll(r.a.c.Worker.RangePoll), CallbackPoll: r.idlePoll(r.a.c.Worker.CallbackPoll),
		Grace: r.a.c.Process.ShutdownTimeout * 2 / 3, Trouble: r.trouble, Meter: r.a.meters.job(r.job.Name, receivers, destinationNames(r.job)...), Pulse: r,
	}
	if r.job.Replicated() {
		copies.plan, copies.targets = plan, targets
		c.Replicas = copies
	}
	return worker.New(c), closeAll, nil
}
