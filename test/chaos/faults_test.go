//go:build chaos

package chaos

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// fault is one way to break one thing, for a time between two bounds.
type fault struct {
	name              string
	target            any // broken by one fault at a time
	shortest, longest time.Duration
	begin, heal       func(testing.TB)
}

// lease is also that of the scheduler's lock: a pause beyond it makes others take over.
const lease = 10 * time.Second

// faults is everything that can happen.
func faults(w *fleet.World, processes []*fleet.Process) []fault {
	answer := func(b callbacktest.Behavior) func(testing.TB) {
		return func(testing.TB) { w.Receiver.Behave(b) }
	}
	works := answer(callbacktest.Repair(w.Repair))
	all := []fault{
		{"redis killed", w.Redis, 0, 2 * time.Second, w.Redis.Kill, w.Redis.Restart},
		{"redis paused", w.Redis, time.Second, 6 * time.Second, w.Redis.Pause, w.Redis.Resume},
		{"database killed", w.MySQL, 0, 2 * time.Second, w.MySQL.Kill, w.MySQL.Restart},
		{"receiver fails", w.Receiver, time.Second, 5 * time.Second, answer(callbacktest.Always(http.StatusInternalServerError)), works},
		{"receiver hangs", w.Receiver, time.Second, 5 * time.Second, answer(hang), works},
		{"receiver hangs up", w.Receiver, time.Second, 5 * time.Second, answer(hangUp), works},
	}
	for _, p := range processes {
		all = append(all,
			fault{p.Name + " killed", p, 0, 3 * time.Second, p.Kill, p.Start},
			fault{p.Name + " paused", p, lease + time.Second, lease + 4*time.Second, p.Pause, p.Resume})
	}
	return all
}

func hang(int, callbacktest.Body) callbacktest.Reply { return callbacktest.Reply{Hang: true} }

// hangUp ends the connection without an answer.
func hangUp(int, callbacktest.Body) callbacktest.Reply { panic(http.ErrAbortHandler) }

// schedule begins faults at random and heals them in time. It runs on the
// test's goroutine alone.
type schedule struct {
	t      testing.TB
	random *rand.Rand
	faults []fault
	began  time.Time
	active map[any]healing
}

// healing is a fault that lasts until then.
type healing struct {
	fault
	until time.Time
}

// run breaks things for d, then heals all.
func (s *schedule) run(d time.Duration) {
	s.active, s.began = map[any]healing{}, time.Now()
	for deadline := s.began.Add(d); time.Now().Before(deadline); {
		s.beginOne()
		for next := time.Now().Add(s.between(0, 2*time.Second)); time.Now().Before(next); {
			<-time.After(20 * time.Millisecond)
			s.healDue(time.Now())
		}
	}
	s.healDue(time.Now().Add(time.Hour))
}

func (s *schedule) beginOne() {
	f := s.faults[s.random.IntN(len(s.faults))]
	lasts := s.between(f.shortest, f.longest)
	if _, broken := s.active[f.target]; broken {
		return
	}
	s.t.Logf("%7s %s for %s", time.Since(s.began).Round(10*time.Millisecond), f.name, lasts.Round(10*time.Millisecond))
	f.begin(s.t)
	s.active[f.target] = healing{fault: f, until: time.Now().Add(lasts)}
}

func (s *schedule) healDue(now time.Time) {
	for target, h := range s.active {
		if now.After(h.until) {
			h.heal(s.t)
			delete(s.active, target)
		}
	}
}

func (s *schedule) between(shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(s.random.Int64N(int64(longest-shortest)+1))
}
