package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// sendTimeout bounds one message.
	sendTimeout = 5 * time.Second
	// What a channel that fails is given before it is tried again.
	firstPause, longestPause = 5 * time.Second, time.Minute
	// sayEvery is how often the log tells of a channel that goes on failing.
	sayEvery = 30 * time.Second
	// maxWaiting bounds what waits for a channel. Messages of one subject are one.
	maxWaiting = 1000
)

// Meter counts what becomes of messages.
type Meter struct {
	OnSent, OnFailed, OnDropped func(kind string)
}

func (m Meter) count(of func(string), kind string) {
	if of != nil {
		of(kind)
	}
}

// line brings messages to one channel, one after the other, so that a channel that
// is slow or gone holds nobody back. A newer message about something takes the
// place of the one that waits.
type line struct {
	channel Channel
	keep    time.Duration // how long a message is worth telling
	meter   Meter
	log     *slog.Logger
	ring    chan struct{}

	mu      sync.Mutex
	waiting []*sending
	failure string // why the last message was not sent; "" when it was

	failing, said time.Time // since when it fails, and when the log heard of it last; run's own
}

func newLine(c Channel, keep time.Duration, meter Meter, log *slog.Logger) *line {
	return &line{channel: c, keep: keep, meter: meter, log: log.With("channel", c.Place, "kind", c.Kind), ring: make(chan struct{}, 1)}
}

// add never waits.
func (l *line) add(s *sending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		select {
		case l.ring <- struct{}{}:
		default:
		}
	}()
	if i := l.place(s.id); i >= 0 {
		l.waiting[i] = s
		return
	}
	if len(l.waiting) >= maxWaiting {
		l.meter.count(l.meter.OnDropped, l.channel.Kind)
		l.waiting = l.waiting[1:]
	}
	l.waiting = append(l.waiting, s)
}

// place is where a message about the same waits, or -1.
func (l *line) place(id job.AlertID) int {
	return slices.IndexFunc(l.waiting, func(s *sending) bool { return s.id == id })
}

// next takes the first message that is still to be told by this process.
func (l *line) next() (*sending, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) > 0 {
		s := l.waiting[0]
		l.waiting = l.waiting[1:]
		switch waited := time.Since(s.came); {
		case s.within > 0 && waited >= s.within && !s.took.Load(): // no channel takes it from here
		case waited < l.keep:
			return s, true
		default:
			l.meter.count(l.meter.OnDropped, l.channel.Kind)
		}
	}
	return nil, false
}

// putBack lets a message wait behind all others, unless there is a newer one.
func (l *line) putBack(s *sending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.place(s.id) < 0 {
		l.waiting = append(l.waiting, s)
	}
}

// run sends until ctx ends.
func (l *line) run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		s, ok := l.next()
		if !ok {
			select {
			case <-l.ring:
			case <-ctx.Done():
			}
			continue
		}
		err := l.channel.deliver(ctx, s.message)
		if err == nil {
			l.sent()
			s.taken(ctx)
			pause = firstPause
			continue
		}
		l.putBack(s)
		if ctx.Err() != nil {
			return
		}
		l.failed(err)
		rest(ctx, pause)
		pause = min(2*pause, longestPause)
	}
}

// why is what is wrong with the channel, if anything.
func (l *line) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

func (l *line) note(failure string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failure = failure
}

func (l *line) sent() {
	l.note("")
	l.meter.count(l.meter.OnSent, l.channel.Kind)
	if !l.failing.IsZero() {
		l.log.Info("alerts are sent again", "after", time.Since(l.failing).Round(time.Second))
		l.failing, l.said = time.Time{}, time.Time{}
	}
}

func (l *line) failed(err error) {
	l.note(err.Error())
	l.meter.count(l.meter.OnFailed, l.channel.Kind)
	now := time.Now()
	if l.failing.IsZero() {
		l.failing = now
	}
	if l.said.IsZero() || now.Sub(l.said) >= sayEvery {
		l.said = now
		l.log.Error("alerts are not sent, they are tried again", "error", err)
	}
}

// flush sends what waits, each message once.
func (l *line) flush(ctx context.Context) error {
	var errs []error
	for s, ok := l.next(); ok; s, ok = l.next() {
		if err := l.channel.deliver(ctx, s.message); err != nil {
			l.meter.count(l.meter.OnFailed, l.channel.Kind)
			errs = append(errs, fmt.Errorf("send to %s: %w", l.channel.Place, err))
			continue
		}
		l.meter.count(l.meter.OnSent, l.channel.Kind)
		s.taken(ctx)
	}
	return errors.Join(errs...)
}

// rest waits for d or the end of ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
