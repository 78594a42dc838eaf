package worker

import (
	"sync"
	"time"
)

// line is what is left of a batch whose POSTs begin one after the other.
type line struct {
	d *deliverer

	mu    sync.Mutex
	rest  []pendingPost
	noted time.Time // when those in it were last noted to come forward
}

// next takes the first; nil when there is none.
func (l *line) next() *pendingPost {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) == 0 {
		return nil
	}
	first := &l.rest[0]
	l.rest = l.rest[1:]
	if time.Since(l.noted) > noteEvery {
		l.noted = time.Now()
		l.d.waiting(callbacks(l.rest))
	}
	return first
}

func (l *line) more() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.rest) > 0
}

// leave takes all that are left.
func (l *line) leave() []pendingPost {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.rest
	l.rest = nil
	return rest
}
