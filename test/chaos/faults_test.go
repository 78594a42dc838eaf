//go:build chaos

package chaos

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/test/chaos/checker"
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

// step is by how many seconds a clock jumps: it is far beyond leases and locks.
const step = 100

// bed is everything that can be broken.
type bed struct {
	world      *fleet.World
	network    *network
	disk       *disk
	redisClock *clock
	processes  []*fleet.Process
	clocks     []*clock // of the processes
}

// faults is everything that can happen.
func (b *bed) faults() []fault {
	w := b.world
	answer := func(behavior callbacktest.Behavior) func(testing.TB) {
		return func(testing.TB) { w.Receiver.Behave(behavior) }
	}
	repairs := callbacktest.Repair(w.Repair)
	works := answer(receiver(w))
	all := []fault{
		{"redis killed", w.Redis, 0, 2 * time.Second, w.Redis.Kill, w.Redis.Restart},
		{"redis paused", w.Redis, time.Second, lease + 3*time.Second, w.Redis.Pause, w.Redis.Resume},
		{"database killed", w.MySQL, 0, 2 * time.Second, w.MySQL.Kill, w.MySQL.Restart},
		{"receiver fails", w.Receiver, time.Second, 5 * time.Second, answer(callbacktest.Always(http.StatusInternalServerError)), works},
		{"receiver hangs", w.Receiver, time.Second, 5 * time.Second, answer(hang), works},
		{"receiver hangs up", w.Receiver, time.Second, 5 * time.Second, answer(hangUp), works},
		{"receiver redirects", w.Receiver, time.Second, 5 * time.Second, answer(redirect), works},
		{"receiver repairs and fails", w.Receiver, time.Second, 5 * time.Second, answer(after(repairs, callbacktest.Reply{Status: http.StatusBadGateway})), works},
		{"receiver repairs and hangs", w.Receiver, time.Second, 5 * time.Second, answer(after(repairs, callbacktest.Reply{Hang: true})), works},
		{"receiver repairs twice, late", w.Receiver, time.Second, 5 * time.Second, answer(twice(repairs)), works},
		{"receiver lies", w.Receiver, time.Second, 5 * time.Second, answer(callbacktest.Always(http.StatusOK)), works},
		{"receiver down for long", b.network.receiver, 10 * time.Second, 25 * time.Second, b.network.receiver.cut, b.network.receiver.mend},
	}
	for _, l := range []*link{b.network.source, b.network.destination, b.network.redis, b.network.receiver} {
		all = append(all,
			fault{l.name + " cut off", l, 0, lease + 2*time.Second, l.cut, l.mend},
			fault{l.name + " half open", l, time.Second, lease + 2*time.Second, l.disturb("timeout", "downstream", map[string]int{"timeout": 0}), l.calm},
			fault{l.name + " swallows", l, time.Second, lease + 2*time.Second, l.disturb("timeout", "upstream", map[string]int{"timeout": 0}), l.calm},
			fault{l.name + " slow", l, time.Second, 6 * time.Second, l.disturb("latency", "downstream", map[string]int{"latency": 400, "jitter": 300}), l.calm},
			fault{l.name + " cuts replies", l, time.Second, 4 * time.Second, l.disturb("limit_data", "downstream", map[string]int{"bytes": 3000}), l.calm},
			fault{l.name + " resets", l, 0, 2 * time.Second, l.disturb("reset_peer", "downstream", map[string]int{"timeout": 100}), l.calm})
	}
	if b.disk.small {
		all = append(all, fault{"disk full", b.disk, time.Second, 8 * time.Second, b.disk.fill, b.disk.free})
	}
	jump := func(whose string, c *clock, seconds int64) fault {
		return fault{fmt.Sprintf("clock of %s jumps by %+d s", whose, seconds), c, time.Second, lease + 2*time.Second, c.jump(seconds), c.jump(0)}
	}
	all = append(all, jump("redis", b.redisClock, step), jump("redis", b.redisClock, -step))
	for i, p := range b.processes {
		all = append(all,
			jump(p.Name, b.clocks[i], []int64{step, -step}[i%2]), // and the other way when it is healed
			fault{p.Name + " killed", p, 0, 3 * time.Second, p.Kill, p.Start},
			fault{p.Name + " paused", p, lease + time.Second, lease + 4*time.Second, p.Pause, p.Resume})
	}
	return all
}

// receiver repairs every other row before it answers, and the rest a little later.
func receiver(w *fleet.World) callbacktest.Behavior {
	now, later := callbacktest.Repair(w.Repair), callbacktest.RepairLater(300*time.Millisecond, w.Repair)
	return func(n int, body callbacktest.Body) callbacktest.Reply {
		if n%2 == 0 {
			return later(n, body)
		}
		return now(n, body)
	}
}

func hang(int, callbacktest.Body) callbacktest.Reply { return callbacktest.Reply{Hang: true} }

// hangUp ends the connection without an answer.
func hangUp(int, callbacktest.Body) callbacktest.Reply { panic(http.ErrAbortHandler) }

func redirect(int, callbacktest.Body) callbacktest.Reply {
	return callbacktest.Reply{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"http://127.0.0.1:9/elsewhere"}}}
}

// after does the work and then gives another answer.
func after(work callbacktest.Behavior, reply callbacktest.Reply) callbacktest.Behavior {
	return func(n int, body callbacktest.Body) callbacktest.Reply {
		work(n, body)
		return reply
	}
}

// twice does the work, waits about as long as the time-out, and does it again.
func twice(work callbacktest.Behavior) callbacktest.Behavior {
	return func(n int, body callbacktest.Body) callbacktest.Reply {
		work(n, body)
		<-time.After(2800 * time.Millisecond)
		return work(n, body)
	}
}

// schedule begins faults at random and heals them in time. It runs on the
// test's goroutine alone.
type schedule struct {
	t      testing.TB
	random *rand.Rand
	faults []fault
	began  time.Time
	active map[any]healing
	log    []checker.Fault
}

// healing is a fault that lasts until then.
type healing struct {
	fault
	since, until time.Time
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
	s.active[f.target] = healing{fault: f, since: time.Now(), until: time.Now().Add(lasts)}
}

func (s *schedule) healDue(now time.Time) {
	for target, h := range s.active {
		if now.After(h.until) {
			h.heal(s.t)
			delete(s.active, target)
			s.log = append(s.log, checker.Fault{Begin: h.since, End: time.Now(), What: h.name})
		}
	}
}

func (s *schedule) between(shortest, longest time.Duration) time.Duration {
	return shortest + time.Duration(s.random.Int64N(int64(longest-shortest)+1))
}
