package worker

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// bell wakes one loop; ringing it twice before it is heard wakes it once.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// wait ends when the bell rings, after d, or with ctx.
func (b bell) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-b:
	case <-t.C:
	case <-ctx.Done():
	}
}

// outliving is a context that goes on for d after ctx has ended.
func outliving(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() { stop(); cancel() }
}

// rest waits for d or until ctx ends: no hint speeds it up.
func rest(ctx context.Context, d time.Duration) { bell(nil).wait(ctx, d) }

// The polls behind the hints: hints can be lost, so every list is looked at now
// and then, more and more rarely while nothing is found.
const shortestPoll = time.Second

type poll struct {
	longest  time.Duration
	next     time.Duration
	failures int // in a row
}

// found begins with short polls again.
func (p *poll) found() { p.next, p.failures = 0, 0 }

// after is how long to wait after a look that gave nothing, or failed.
func (p *poll) after(failed bool) time.Duration {
	pause := p.pause()
	if !failed {
		p.failures = 0
		return pause
	}
	p.failures++
	return backoff(p.failures, 10*time.Second)
}

// pause is how long to wait now; the jitter keeps a fleet from polling in step.
func (p *poll) pause() time.Duration {
	p.next = min(max(p.next*3/2, shortestPoll), max(p.longest, shortestPoll))
	return p.next + rand.N(p.next/10)
}

// backoff is the wait after the n-th failure in a row, from 1: 1 s doubling to longest, ±20 %.
func backoff(n int, longest time.Duration) time.Duration {
	return jitter(min(time.Second<<min(max(n-1, 0), 16), longest))
}

// jitter spreads d by ±20 %, so that what failed together does not come back together.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d*4/5 + rand.N(d*2/5+1)
}

// failures counts those in a row of work that several do at once.
type failures struct {
	mu    sync.Mutex
	n     int
	since time.Time // of the last
}

// note counts an error, and begins anew without one.
func (f *failures) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.n = 0
		return
	}
	f.n++
	f.since = time.Now()
}

// pause is how long to wait before the next try.
func (f *failures) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n == 0 {
		return 0
	}
	return max(0, backoff(f.n, 10*time.Second)-time.Since(f.since))
}
