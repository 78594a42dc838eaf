package scheduler

import (
	"errors"
	"sync"
	"time"
)

// errFruitless says that all scans of a leader have failed for long. Its host may be
// the only one that does not reach the source.
var errFruitless = errors.New("all scans have failed for long")

// patience is how long the scans of a leader may fail before it lets others try:
// until each was tried, and twice as long each time that nothing came of it, for
// the source may be down for all.
func (s *Scheduler) patience() time.Duration {
	const locks, most = 3, 6 // 30 s to half an hour with the standard lock
	patience := locks * s.c.LockTTL
	if s.c.Job.Insert.Enabled {
		patience = max(patience, 2*s.c.Job.Insert.Every)
	}
	if s.c.Job.Update.Enabled {
		patience = max(patience, 2*s.c.Job.Update.Every)
	}
	return patience << min(s.fruitless.Load(), most)
}

// luck is whether the scans of a leader come to anything.
type luck struct {
	patience time.Duration

	mu    sync.Mutex
	since time.Time // the first failure behind which no scan came to anything; zero for none
}

// out notes how a scan ended, and reports whether all have failed for too long.
func (l *luck) out(well bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case well:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = time.Now()
	}
	return !well && time.Since(l.since) >= l.patience
}
