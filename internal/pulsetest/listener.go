// Package pulsetest listens to the loops of a room in its tests.
package pulsetest

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/pulse"
)

// TurnTime is what a turn of a loop may take here.
const TurnTime = time.Minute

// Listener is the Pulse of a room; its zero value has heard nothing yet.
type Listener struct {
	monitor pulse.Monitor
	mu      sync.Mutex
	living  map[string]bool
}

// Turn hears of a turn.
func (l *Listener) Turn(loop string, rest time.Duration) {
	l.monitor.Turn(loop, 2*rest+TurnTime)
	l.note(loop, true)
}

// End hears of an end.
func (l *Listener) End(loop string) {
	l.monitor.End(loop)
	l.note(loop, false)
}

func (l *Listener) note(loop string, living bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.living == nil {
		l.living = map[string]bool{}
	}
	l.living[loop] = living
	if !living {
		delete(l.living, loop)
	}
}

// Living are the loops that have turned and not ended, by name.
func (l *Listener) Living() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.living))
}

// Silent are those of them that have not turned for too long.
func (l *Listener) Silent() []string {
	var names []string
	for _, s := range l.monitor.Silent() {
		names = append(names, s.Loop)
	}
	return names
}
