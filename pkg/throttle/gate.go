// Package throttle keeps what cupid asks of a database server within limits: of
// all processes together, and below what the server bears at the moment.
package throttle

import (
	"context"
	"crypto/rand"
	"fmt"
	random "math/rand/v2"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Permits count the queries and rows of a server over all processes.
type Permits interface {
	// Enter takes a permit under the token. Without one, wait is not zero and
	// says in how long it is worth to ask again.
	Enter(ctx context.Context, server, token string, l job.Load) (wait time.Duration, err error)
	// Leave gives the permit back and counts the rows that were read under it.
	Leave(ctx context.Context, server, token string, l job.Load, rows uint64) error
}

const (
	// fresh is how long an answer of the server counts.
	fresh = time.Second
	// leaveTimeout bounds the giving back of a permit, which also ends by itself.
	leaveTimeout = time.Second
	// longestWait is between two looks of one that waits.
	longestWait = time.Second
)

// Gate lets queries through to one server. All queries of a process to that
// server share it.
type Gate struct {
	server  string
	limits  job.Load
	permits Permits
	onWait  func(server, why string, waited time.Duration)

	mu     sync.Mutex
	asked  time.Time
	tooBad string
}

// NewGate makes the gate of a server, "host:port". OnWait hears of every pause.
func NewGate(server string, l job.Load, p Permits, onWait func(server, why string, waited time.Duration)) *Gate {
	return &Gate{server: server, limits: l, permits: p, onWait: onWait}
}

// Enter waits until a query may run. Leave has to be called with the number of
// rows that were read.
func (g *Gate) Enter(ctx context.Context, vitals job.Vitals) (leave func(rows uint64), err error) {
	token := rand.Text()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, longestWait) {
		why, wait := g.strained(ctx, vitals), longestWait
		if why == "" {
			why = "its share of queries or rows is used up"
			if wait, err = g.permit(ctx, token); err != nil {
				return nil, fmt.Errorf("permit to query %s: %w", g.server, err)
			}
		}
		if wait == 0 {
			return func(rows uint64) { g.leave(ctx, token, rows) }, nil
		}
		// To wait here is no standstill for which a lease should end.
		job.Progress(ctx)
		began := time.Now()
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", g.server, context.Cause(ctx))
		case <-time.After(jitter(min(max(wait, pause), longestWait))):
		}
		g.onWait(g.server, why, time.Since(began))
	}
}

// jitter keeps those that wait from asking all at once.
func jitter(d time.Duration) time.Duration { return d/2 + random.N(d) }

// counted reports whether queries and rows are counted at all.
func (g *Gate) counted() bool { return g.limits.Queries > 0 || g.limits.RowsPerSecond > 0 }

func (g *Gate) permit(ctx context.Context, token string) (time.Duration, error) {
	if !g.counted() {
		return 0, nil
	}
	return g.permits.Enter(ctx, g.server, token, g.limits)
}

func (g *Gate) leave(ctx context.Context, token string, rows uint64) {
	if !g.counted() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_ = g.permits.Leave(ctx, g.server, token, g.limits, rows) // a permit that stays ends by itself
}

// strained says what is too much for the server at the moment, "" when nothing
// is. One of many that ask at once looks; a server that does not answer is not
// strained: the query itself will say what is wrong.
func (g *Gate) strained(ctx context.Context, vitals job.Vitals) string {
	if g.limits.ThreadsRunning == 0 && g.limits.ReplicaLag == 0 {
		return ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.asked) < fresh {
		return g.tooBad
	}
	running, behind, err := vitals(ctx, g.limits.ReplicaLag > 0)
	g.asked, g.tooBad = time.Now(), ""
	switch {
	case err != nil:
	case g.limits.ThreadsRunning > 0 && running > g.limits.ThreadsRunning:
		g.tooBad = fmt.Sprintf("%d threads run on it, allowed are %d", running, g.limits.ThreadsRunning)
	case g.limits.ReplicaLag > 0 && behind < 0:
		g.tooBad = "its replication stands still"
	case g.limits.ReplicaLag > 0 && behind > g.limits.ReplicaLag:
		g.tooBad = fmt.Sprintf("it is %s behind its primary, allowed are %s", behind, g.limits.ReplicaLag)
	}
	return g.tooBad
}
