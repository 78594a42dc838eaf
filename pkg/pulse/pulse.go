// Package pulse tells whether the loops of a process still turn.
package pulse

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Monitor knows when each loop turned last. Its zero value watches over no loop.
type Monitor struct {
	mu    sync.Mutex
	loops map[string]turn
}

type turn struct {
	at     time.Time
	within time.Duration
}

// Turn notes that a loop turns, and that it is going to turn again within a time.
func (m *Monitor) Turn(loop string, within time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loops == nil {
		m.loops = map[string]turn{}
	}
	m.loops[loop] = turn{at: time.Now(), within: within}
}

// End forgets a loop that turns no more.
func (m *Monitor) End(loop string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.loops, loop)
}

// Silence is a loop that did not turn in time.
type Silence struct {
	Loop string
	For  time.Duration
}

// Silent are the loops that should have turned again and did not, by name.
func (m *Monitor) Silent() []Silence {
	m.mu.Lock()
	defer m.mu.Unlock()
	var silent []Silence
	for loop, last := range m.loops {
		if d := time.Since(last.at); d > last.within {
			silent = append(silent, Silence{Loop: loop, For: d})
		}
	}
	slices.SortFunc(silent, func(a, b Silence) int { return strings.Compare(a.Loop, b.Loop) })
	return silent
}
