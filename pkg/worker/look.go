package worker

import (
	"context"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// looker reads the rows of callbacks that were just answered with a yes. Many
// receivers repair before they answer; to close their callbacks here saves these
// their second way through the queue, which costs as much as the first.
type looker struct {
	d *deliverer

	mu     sync.Mutex
	misses int // looks in a row that closed little
	skip   int // batches that are not looked at before the next look
}

const (
	// lookAfter is what receivers have that repair in batches and answer before: each
	// row that is looked at too early comes again.
	lookAfter = 40 * time.Millisecond
	// lookTime bounds a look: others wait behind it to be settled.
	lookTime = 2 * time.Second
	// worthwhile is the part of a batch that a look has to close, one in so many:
	// rows of receivers that repair later would all be read once more.
	worthwhile = 4
	// mostMisses are after how many looks they become no rarer: one in 64 batches.
	mostMisses = 6
)

// look closes those of a batch that were repaired. Of the others nothing is known
// yet: their receivers have until the end of verifyDelay.
func (l *looker) look(ctx context.Context, batch []settling) {
	answered, keys := make([]*job.Settlement, 0, len(batch)), make([]string, 0, len(batch))
	for _, b := range batch {
		if b.sent && b.To == job.Verify {
			answered, keys = append(answered, b.Settlement), append(keys, b.Callback.Key)
		}
	}
	if len(answered) == 0 {
		return
	}
	known, skip := l.skips()
	if skip {
		return
	}
	rest(ctx, lookAfter)
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	readings, err := l.d.readings(ctx, keys)
	if err != nil {
		l.d.log.Debug("rows were not read right after the answer", "callbacks", len(keys), "error", err)
	}
	closed := 0
	for i, r := range readings {
		if repaired(answered[i].Callback, r) {
			closed++
			answered[i].To, answered[i].Delay = job.Closed, 0
			answered[i].Counters += " " + countClosedEqual
		}
	}
	l.learn(known, closed*worthwhile >= len(answered))
}

// skips reports whether a batch is not worth a look, and the misses that are known before it.
func (l *looker) skips() (known int, skip bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.skip == 0 {
		return l.misses, false
	}
	l.skip--
	return l.misses, true
}

// learn makes looks rarer that were worth nothing. Those of several batches at once count as one: a receiver that
// halts for a moment is not yet one that repairs later.
func (l *looker) learn(known int, worth bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case worth:
		l.misses, l.skip = 0, 0
	case l.misses == known:
		l.misses = min(l.misses+1, mostMisses)
		l.skip = 1<<l.misses - 1
	}
}
