package worker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// errAway is a server that does not answer.
var errAway = errors.New("connection refused")

const lease = 30 * time.Second

// queue is a Queue in memory that notes what it is told. Its fields are set
// before the loops start, or through do.
type queue struct {
	mu        sync.Mutex
	ranges    []job.LeasedRange
	callbacks []job.LeasedCallback
	away      error // what every call answers
	refusal   error // what the fetches answer
	putError  error
	ackError  error
	lost      []string // what the next extension answers
	late      map[job.CallbackID]bool
	due       time.Duration // until the next item is due; 0 is none
	onFetch   func()
	braked    bool  // what the brake answers
	brakeErr  error // instead

	fetched   map[string][]time.Time // "ranges", "callbacks" → when they were asked for
	put       []job.Difference
	portions  []int
	acked     []job.Counts
	begun     []string
	retried   []job.Again
	leaves    error // that the queue is away with, from the next acknowledgement on
	refusals  int   // times that a range could not be given back
	split     [][]job.Range
	parked    []string
	splitErr  error
	released  []string
	settled   [][]job.Settlement
	again     []job.Difference
	extended  []map[string]string
	shares    []job.Share
	promoted  int
	reclaimed int
}

func (q *queue) do(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f()
}

func (q *queue) note(what string) {
	if q.fetched == nil {
		q.fetched = map[string][]time.Time{}
	}
	q.fetched[what] = append(q.fetched[what], time.Now())
	if q.onFetch != nil {
		q.onFetch()
	}
}

// all are the settlements in the order in which they came.
func (q *queue) all() (all []job.Settlement) {
	q.do(func() { all = slices.Concat(q.settled...) })
	return all
}

func (q *queue) Lease() time.Duration { return lease }

func (q *queue) FetchRanges(_ context.Context, _ string, n int) ([]job.LeasedRange, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.note("ranges")
	if err := errors.Join(q.away, q.refusal); err != nil {
		return nil, err
	}
	n = min(n, len(q.ranges))
	leased := q.ranges[:n]
	q.ranges = q.ranges[n:]
	return leased, nil
}

func (q *queue) Put(_ context.Context, _ job.LeasedRange, portion int, differences []job.Difference) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := errors.Join(q.away, q.putError); err != nil {
		return err
	}
	q.portions = append(q.portions, portion)
	q.put = append(q.put, differences...)
	return nil
}

func (q *queue) AckRange(_ context.Context, _ job.LeasedRange, _ int, counts job.Counts) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.away = errors.Join(q.away, q.leaves)
	if err := errors.Join(q.away, q.ackError); err != nil {
		return err
	}
	q.acked = append(q.acked, counts)
	return nil
}

func (q *queue) BeginRange(_ context.Context, r job.LeasedRange) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.begun = append(q.begun, r.ID)
	return q.away
}

func (q *queue) RetryRange(_ context.Context, _ job.LeasedRange, again job.Again) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away != nil {
		q.refusals++
		return q.away
	}
	q.retried = append(q.retried, again)
	return nil
}

func (q *queue) SplitRange(_ context.Context, _ job.LeasedRange, parts []job.Range) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := errors.Join(q.away, q.splitErr); err != nil {
		return err
	}
	q.split = append(q.split, parts)
	return nil
}

func (q *queue) ParkRange(_ context.Context, r job.LeasedRange, _ string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.parked = append(q.parked, r.ID)
	return q.away
}

func (q *queue) ReleaseRange(_ context.Context, r job.LeasedRange) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.released = append(q.released, r.ID)
	return q.away
}

func (q *queue) ExtendRanges(ctx context.Context, leases map[string]string) ([]string, error) {
	return q.ExtendCallbacks(ctx, leases)
}

func (q *queue) Brake(_ context.Context, _ string, _ float64, s job.Share) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shares = append(q.shares, s)
	return q.braked, errors.Join(q.away, q.brakeErr)
}

func (q *queue) DueCallbacks(context.Context, string) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.note("callbacks")
	return len(q.callbacks), errors.Join(q.away, q.refusal)
}

func (q *queue) HoldCallbacks(context.Context, string, string, time.Duration, int) (int, error) {
	return 0, nil
}

func (q *queue) HastenCallbacks(context.Context, string, bool) error { return nil }

func (q *queue) FetchCallbacks(_ context.Context, _, _ string, n int) ([]job.LeasedCallback, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := errors.Join(q.away, q.refusal); err != nil {
		return nil, err
	}
	n = min(n, len(q.callbacks))
	leased := slices.Clone(q.callbacks[:n])
	q.callbacks = q.callbacks[n:]
	for i := range leased {
		leased[i].LeasedAt = time.Now()
	}
	return leased, nil
}

func (q *queue) Settle(_ context.Context, settlements []job.Settlement) ([]job.Settled, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away != nil {
		return nil, q.away
	}
	q.settled = append(q.settled, settlements)
	answers := make([]job.Settled, len(settlements))
	for i, s := range settlements {
		answers[i] = job.SettledOK
		if q.late[s.Callback.ID] {
			answers[i] = job.SettledLost
		}
	}
	return answers, nil
}

func (q *queue) PutAgain(_ context.Context, differences []job.Difference) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away != nil {
		return q.away
	}
	q.again = append(q.again, differences...)
	return nil
}

func (q *queue) ExtendCallbacks(_ context.Context, leases map[string]string) ([]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.away != nil {
		return nil, q.away
	}
	q.extended = append(q.extended, leases)
	return q.lost, nil
}

func (q *queue) Promote(context.Context, time.Duration) (job.Promoted, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.promoted++
	if q.due > 0 {
		return job.Promoted{Next: q.due}, q.away
	}
	return job.Promoted{Next: -1}, q.away
}

func (q *queue) Reclaim(context.Context) (job.Reclaimed, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reclaimed++
	if q.away != nil {
		return job.Reclaimed{}, q.away
	}
	return job.Reclaimed{Next: -1}, nil
}

// tables are the rows of both sides: key → value of the one compared column.
type tables struct {
	mu           sync.Mutex
	source, far  map[string]string
	sharing      map[string]bool // source keys that another row has too
	away         error
	bad          string // a key whose row cannot be read
	reads        int
	beforeBodies func() // called before rows are read to be sent
}

// shop is the source table of all tests.
var shop = job.Shard{Database: "db", Table: "shop"}

var relation = diff.Relation{By: []diff.Pair{{Name: "id"}}, Pairs: []diff.Pair{{Name: "id"}, {Name: "name", Source: 1, Destination: 1}}}

func (t *tables) do(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

func row(key, value string) diff.Row {
	return diff.Row{Key: key, Values: []diff.Value{diff.Value(key), diff.Value(value)}, Body: []diff.Value{diff.Value(key), diff.Value(value)}}
}

func (t *tables) rows(side map[string]string, keys []string) ([]diff.Row, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reads++
	if t.away != nil {
		return nil, t.away
	}
	var rows []diff.Row
	for _, key := range keys {
		if key == t.bad {
			return nil, job.ErrUnreadable
		}
		if value, ok := side[key]; ok {
			rows = append(rows, row(key, value))
		}
	}
	return rows, nil
}

// Page goes through the keys that a range's ends name as "a".."z", in portions of two rows.
func (t *tables) Page(_ context.Context, r job.Range, _ int) ([]diff.Row, job.Point, bool, error) {
	const page = 2
	var keys []string
	t.do(func() {
		for key := range t.source {
			if r.After.Open() || key > r.After.Key[0] {
				keys = append(keys, key)
			}
		}
	})
	slices.Sort(keys)
	more := len(keys) > page
	keys = keys[:min(page, len(keys))]
	next := r.UpTo
	if more {
		next = job.KeyPoint(keys[page-1])
	}
	rows, err := t.rows(t.source, keys)
	return rows, next, more, err
}

// Step finds the n-th key behind after.
func (t *tables) Step(_ context.Context, _ job.Scan, after, upto job.Point, n int) (job.Point, bool, error) {
	var keys []string
	t.do(func() {
		for key := range t.source {
			if (after.Open() || key > after.Key[0]) && key <= upto.Key[0] {
				keys = append(keys, key)
			}
		}
	})
	slices.Sort(keys)
	if n > len(keys) {
		return job.Point{}, false, t.away
	}
	return job.KeyPoint(keys[n-1]), true, t.away
}

func (t *tables) probe(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.away
}

func (t *tables) Lookup(_ context.Context, keys []string, body bool) ([]diff.Row, error) {
	if body && t.beforeBodies != nil {
		t.beforeBodies()
	}
	return t.rows(t.source, keys)
}

func (t *tables) BodyColumns() []string { return []string{"id", "name"} }

func (t *tables) Shared(_ context.Context, rows []diff.Row) (map[string]bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	shared := map[string]bool{}
	for _, r := range rows {
		if t.sharing[r.Key] {
			shared[r.Key] = true
		}
	}
	return shared, nil
}

// far is the destination side of tables.
type far struct{ t *tables }

func (far) Name() string { return "far" }

func (far) Relation() diff.Relation { return relation }

func (far) Shown(row diff.Row) ([]string, []diff.Value) { return []string{"id", "name"}, row.Values }

func (f far) Lookup(_ context.Context, by []diff.Key) ([]diff.Row, error) {
	keys := make([]string, len(by))
	for i, key := range by {
		keys[i] = string(key)
	}
	return f.t.rows(f.t.far, keys)
}

// receiver is an Endpoint that notes what it is sent.
type receiver struct {
	mu     sync.Mutex
	sent   []job.Delivery
	answer func(ctx context.Context, d job.Delivery) job.Answer
}

func (r *receiver) Send(ctx context.Context, d job.Delivery) job.Answer {
	r.mu.Lock()
	r.sent = append(r.sent, d)
	answer := r.answer
	r.mu.Unlock()
	if answer == nil {
		return yes
	}
	return answer(ctx, d)
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent)
}

var yes = job.Answer{Outcome: job.Delivered, Status: 200, Code: "http_200"}

// hang answers when the process cuts the exchange off.
func hang(ctx context.Context, _ job.Delivery) job.Answer {
	<-ctx.Done()
	return job.Answer{Outcome: job.Unknown, Code: stoppedCode}
}

// fixture is a worker between fakes.
type fixture struct {
	*Worker
	queue    *queue
	tables   *tables
	receiver *receiver
	mu       sync.Mutex
	troubles int // times that people may have had something to know
}

var waits = job.Callback{
	Timeout: 3 * time.Second, Retry: 10 * time.Second, SlowRetry: 10 * time.Minute,
	Verify: true, VerifyDelay: 10 * time.Second, Concurrency: 2,
}

func newFixture(callback job.Callback) *fixture {
	f := &fixture{
		queue: &queue{}, receiver: &receiver{},
		tables: &tables{source: map[string]string{}, far: map[string]string{}},
	}
	f.Worker = New(Config{
		Job:   job.Job{Name: "shop", ConfirmDelay: time.Second, HotBound: time.Minute},
		Queue: f.queue, Source: f.tables, Index: f.tables, Probe: f.tables.probe, Log: slog.New(slog.DiscardHandler), Name: "here:1",
		Targets: []Target{{
			Config:      job.Destination{Name: "far", Callback: callback},
			Destination: far{f.tables}, Endpoint: f.receiver,
		}},
		Trouble: func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.troubles++
		},
	})
	return f
}

// start runs the worker in the background; the returned stop waits for its end.
func (f *fixture) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { f.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

// due is a callback for a key, as it is leased.
func due(key string) job.LeasedCallback {
	d := job.Difference{Destination: "far", Shard: shop, Key: key}
	return job.LeasedCallback{
		ID: d.ID(), Token: "token-" + key, Destination: "far", Shard: shop, Key: key, Type: job.Missing,
		Phase: job.Confirm, Seen: "1", WebhookID: "webhook-" + key, SourceHash: relation.Hash(row(key, "v")),
	}
}
