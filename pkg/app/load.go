package app

import (
	"log/slog"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
	"github.com/masixun71/cupid-go/pkg/throttle"
)

// gates let queries through to database servers; all pools of a server share one.
type gates struct {
	load    job.Load
	permits throttle.Permits
	onWait  func(server, why string, waited time.Duration)

	mu  sync.Mutex
	all map[string]*throttle.Gate
}

func newGates(l job.Load, p throttle.Permits, onWait func(server, why string, waited time.Duration)) *gates {
	return &gates{load: l, permits: p, onWait: onWait, all: map[string]*throttle.Gate{}}
}

func (g *gates) of(server string) mysql.Gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all[server] == nil {
		g.all[server] = throttle.NewGate(server, g.load, g.permits, g.onWait)
	}
	return g.all[server]
}

// noteWait counts how long queries are held back, and says why now and then.
func (a *App) noteWait() func(server, why string, waited time.Duration) {
	say := sayWaits(a.log)
	return func(server, why string, waited time.Duration) {
		a.meters.waits.WithLabelValues(server).Add(waited.Seconds())
		say(server, why, waited)
	}
}

// sayWaits logs that queries are held back, once in a while for each server. Short
// pauses are how a limit works, and not worth a word.
func sayWaits(log *slog.Logger) func(server, why string, waited time.Duration) {
	const often, worth = 30 * time.Second, 200 * time.Millisecond
	var mu sync.Mutex
	said := map[string]time.Time{}
	return func(server, why string, waited time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if waited >= worth && time.Since(said[server]) >= often {
			said[server] = time.Now()
			log.Warn("queries wait, the database server has enough of them", "server", server, "why", why)
		}
	}
}
