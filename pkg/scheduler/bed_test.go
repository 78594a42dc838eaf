package scheduler_test

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/scheduler"
)

const (
	ttl        = 10 * time.Second
	lateCommit = time.Minute
)

// bed is a job with its table, its store and the schedulers that were started.
type bed struct {
	t      *testing.T
	job    job.Job
	table  *table
	store  *store
	log    lines
	lag    lags
	source scheduler.Table // how schedulers that are started from now on see the table, if otherwise
	pulse  scheduler.Pulse // of the schedulers that are started from now on
	stop   []context.CancelFunc
	runs   sync.WaitGroup
}

// run runs a test with a bed in a bubble whose clock begins at the database's
// 2026-11-22 10:00:00 UTC. All schedulers have ended behind it.
func run(t *testing.T, test func(b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		b := &bed{
			t: t, store: newStore(),
			table: &table{unit: time.Second, zone: time.UTC, skew: time.Until(start)},
			job: job.Job{
				Name: "db.user", Source: job.Source{Shard: job.Shard{Database: "db", Table: "user"}},
				Insert:    job.InsertScan{Enabled: true, Every: time.Second},
				Update:    job.UpdateScan{Every: time.Second, Window: 20 * time.Second},
				RangeRows: 100, LateCommit: lateCommit, MaxRanges: 1000, MaxCallbacks: 1000,
			},
		}
		test(b)
		b.end()
		require.Empty(t, b.store.violations)
	})
}

// updatesOnly makes the job scan updates and nothing else.
func (b *bed) updatesOnly() { b.job.Insert.Enabled, b.job.Update.Enabled = false, true }

// start starts a scheduler; kill cuts it off and ends it, as SIGKILL does.
func (b *bed) start(who string, edit ...func(p *process)) (p *process, stop, kill func()) {
	p = &process{store: b.store, who: who}
	for _, e := range edit {
		e(p)
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	s := scheduler.New(scheduler.Config{
		Job: b.job, Table: cmp.Or[scheduler.Table](b.source, b.table), Queue: p, Who: who, LockTTL: ttl, OnLag: b.lag.note, Pulse: b.pulse,
		Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	ended := make(chan struct{})
	b.runs.Go(func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			b.t.Errorf("%s ended with %v", who, err)
		}
	})
	stop = func() { cancel(); <-ended }
	b.stop = append(b.stop, cancel)
	return p, stop, func() { p.sever(true); stop() }
}

func (b *bed) end() {
	for _, stop := range b.stop {
		stop()
	}
	b.runs.Wait()
}

// pass lets time go by.
func (b *bed) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// work takes all waiting ranges off the list.
func (b *bed) work() { b.store.do(func() { b.store.waiting = 0 }) }

// ids are the ranges of a scan as text.
func (b *bed) ids(scan job.Scan) string {
	var texts []string
	for _, c := range b.store.of(scan) {
		texts = append(texts, strings.TrimPrefix(c.ID(), string(scan)+":db.user:"))
	}
	return strings.Join(texts, " ")
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// lags keeps what OnLag heard.
type lags struct {
	mu    sync.Mutex
	heard map[job.Scan][]int64
}

func (l *lags) note(scan job.Scan, behind int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard == nil {
		l.heard = map[job.Scan][]int64{}
	}
	l.heard[scan] = append(l.heard[scan], behind)
}

func (l *lags) last(scan job.Scan) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.heard[scan]) == 0 {
		return -1
	}
	return l.heard[scan][len(l.heard[scan])-1]
}
