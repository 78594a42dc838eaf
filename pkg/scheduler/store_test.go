package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/scheduler"
)

// claimed is one range that was pushed.
type claimed struct {
	job.Range
	at  time.Time
	who string
}

// store is the queue of one job in memory: what all processes share. It refuses
// and repeats as the scripts do.
type store struct {
	mu      sync.Mutex
	lock    int // token of the holder
	tokens  int
	ends    time.Time
	cursors map[job.Scan]string
	samples map[string]time.Time
	waiting int
	most    int
	paused  bool
	backlog bool
	spec    error

	history    []claimed
	leaders    []string
	mostOwed   int
	violations []string
	asked      map[job.Scan]int // cursors that were read
	sampled    int              // readings of the samples
}

func newStore() *store {
	return &store{cursors: map[job.Scan]string{}, samples: map[string]time.Time{}, asked: map[job.Scan]int{}, most: 1000}
}

// do runs f as a script runs: alone.
func (s *store) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *store) held(token int) bool { return s.lock == token && time.Now().Before(s.ends) }

// of are the ranges that a scan has claimed.
func (s *store) of(scan job.Scan) []claimed {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []claimed
	for _, c := range s.history {
		if c.Scan == scan {
			found = append(found, c)
		}
	}
	return found
}

func (s *store) cursor(scan job.Scan) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, ok := s.cursors[scan]; ok {
		return text
	}
	return "*"
}

// cursorsRead is how often a scan's cursor was read.
func (s *store) cursorsRead(scan job.Scan) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[scan]
}

// led are the processes that began to lead, in order.
func (s *store) led() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.leaders)
}

func (s *store) owed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.samples)
}

// push appends ranges that must cover (after, upto] without gap or overlap.
func (s *store) push(who string, ranges []job.Range, after, upto job.Point) {
	at := after.UTC().String()
	for _, r := range ranges {
		read, err := job.ParseRange(r.ID())
		if err != nil || read.After.UTC().String() != at {
			s.violations = append(s.violations, fmt.Sprintf("%s pushes %s behind %s: %v", who, r.ID(), at, err))
		}
		s.history = append(s.history, claimed{read, time.Now(), who})
		at = read.UpTo.UTC().String()
	}
	if len(ranges) > 0 && at != upto.UTC().String() {
		s.violations = append(s.violations, fmt.Sprintf("%s pushes ranges up to %s and says %s", who, at, upto.UTC()))
	}
	s.waiting += len(ranges)
}

func (s *store) claim(token int, who string, c job.Claim) error {
	to, from := c.To.UTC().String(), "*"
	if c.From != nil {
		from = c.From.UTC().String()
	}
	found, known := s.cursors[c.Scan]
	if !known {
		found = "*"
	}
	switch {
	case !s.held(token):
		return job.ErrLost
	case found != from && found == to:
		return nil
	case found != from:
		return &job.CursorError{Found: found}
	case len(c.Ranges) > 0 && s.paused:
		return job.ErrPaused
	case len(c.Ranges) > 0 && s.backlog:
		return &job.LimitError{What: "callbacks", Have: 1}
	case len(c.Ranges) > 0 && s.waiting+len(c.Ranges) > s.most:
		return &job.LimitError{What: "ranges", Have: s.waiting}
	}
	s.cursors[c.Scan] = to
	if c.Late != nil {
		s.samples[c.Late.ID()] = c.LateSince.Truncate(time.Millisecond)
		s.mostOwed = max(s.mostOwed, len(s.samples))
	}
	after := job.Point{}
	if c.From != nil {
		after = *c.From
	} else if len(c.Ranges) > 0 {
		after = c.Ranges[0].After
	}
	s.push(who, c.Ranges, after, c.To)
	return nil
}

func (s *store) claimLate(token int, who string, sample job.Sample, ranges []job.Range, rest *job.Range) error {
	id := sample.Range.ID()
	since, known := s.samples[id]
	switch {
	case !s.held(token):
		return job.ErrLost
	case !known:
		return nil
	case s.paused:
		return job.ErrPaused
	case s.waiting+len(ranges) > s.most:
		return &job.LimitError{What: "ranges", Have: s.waiting}
	}
	upto := sample.Range.UpTo
	if rest != nil {
		upto = rest.After
		s.samples[rest.ID()] = since
	}
	delete(s.samples, id)
	s.push(who, ranges, sample.Range.After, upto)
	return nil
}

var errCut = errors.New("the connection was cut")

// process is how one scheduler reaches the store.
type process struct {
	store *store
	who   string
	mu    sync.Mutex
	cut   bool
	fate  func(op string) (before, after error) // may be nil
	stall func(op string) time.Duration         // before the store does it; may be nil
}

// sever cuts the process off for ever or not any more.
func (p *process) sever(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
}

func (p *process) isCut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut
}

// do sends f to the store; the reply may be lost after it was done.
func (p *process) do(ctx context.Context, op string, f func() error) error {
	if p.stall != nil {
		if d := p.stall(op); d > 0 {
			time.Sleep(d)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var lost error
	if p.fate != nil {
		before, after := p.fate(op)
		if before != nil {
			return before
		}
		lost = after
	}
	if p.isCut() {
		return errCut
	}
	var err error
	p.store.do(func() { err = f() })
	if lost != nil {
		return lost
	}
	return err
}

type leadership struct {
	p     *process
	token int
}

func (p *process) Lead(ctx context.Context, ttl time.Duration, _ string) (scheduler.Leadership, error) {
	l := &leadership{p: p}
	err := p.do(ctx, "lead", func() error {
		if time.Now().Before(p.store.ends) {
			return job.ErrLost
		}
		p.store.tokens++
		l.token = p.store.tokens
		p.store.lock, p.store.ends = l.token, time.Now().Add(ttl)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (p *process) Register(ctx context.Context, leader string) error {
	return p.do(ctx, "register", func() error {
		if p.store.spec == nil {
			p.store.leaders = append(p.store.leaders, leader)
		}
		return p.store.spec
	})
}

func (p *process) Cursor(ctx context.Context, scan job.Scan, _ job.Shard) (cursor job.Point, found bool, err error) {
	err = p.do(ctx, "cursor", func() (err error) {
		p.store.asked[scan]++
		var text string
		if text, found = p.store.cursors[scan]; found {
			cursor, err = job.ParsePoint(text)
		}
		return err
	})
	return cursor, found, err
}

func (p *process) Samples(ctx context.Context, n int) (samples []job.Sample, err error) {
	err = p.do(ctx, "samples", func() error {
		p.store.sampled++
		for id, since := range p.store.samples {
			r, err := job.ParseRange(id)
			if err != nil {
				return err
			}
			samples = append(samples, job.Sample{Range: r, Since: since})
		}
		return nil
	})
	slices.SortFunc(samples, func(a, b job.Sample) int { return a.Since.Compare(b.Since) })
	return samples[:min(n, len(samples))], err
}

func (p *process) Room(ctx context.Context) (room int, err error) {
	err = p.do(ctx, "room", func() error {
		room = max(0, p.store.most-p.store.waiting)
		return nil
	})
	return room, err
}

func (l *leadership) Claim(ctx context.Context, c job.Claim) error {
	return l.p.do(ctx, "claim", func() error { return l.p.store.claim(l.token, l.p.who, c) })
}

func (l *leadership) ClaimLate(ctx context.Context, sample job.Sample, ranges []job.Range, rest *job.Range) error {
	return l.p.do(ctx, "late", func() error { return l.p.store.claimLate(l.token, l.p.who, sample, ranges, rest) })
}

func (l *leadership) Refresh(ctx context.Context, ttl time.Duration) error {
	return l.p.do(ctx, "refresh", func() error {
		if !l.p.store.held(l.token) {
			return job.ErrLost
		}
		l.p.store.ends = time.Now().Add(ttl)
		return nil
	})
}

func (l *leadership) Release(ctx context.Context) error {
	return l.p.do(ctx, "release", func() error {
		if l.p.store.held(l.token) {
			l.p.store.ends = time.Time{}
		}
		return nil
	})
}
