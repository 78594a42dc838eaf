package throttle

import (
	"context"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Local are the permits of one process that shares no Redis with others.
type Local struct {
	mu      sync.Mutex
	servers map[string]*local
}

type local struct {
	tokens  map[string]bool
	drained time.Time // when the rows that were read are paid for
}

// NewLocal has all permits free.
func NewLocal() *Local { return &Local{servers: map[string]*local{}} }

// Enter is Permits.Enter.
func (p *Local) Enter(_ context.Context, server, token string, l job.Load) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.servers[server]
	if s == nil {
		s = &local{tokens: map[string]bool{}}
		p.servers[server] = s
	}
	if debt := time.Until(s.drained); l.RowsPerSecond > 0 && debt > 0 {
		return debt, nil
	}
	if l.Queries > 0 && len(s.tokens) >= l.Queries {
		return time.Millisecond, nil
	}
	s.tokens[token] = true
	return 0, nil
}

// Leave is Permits.Leave.
func (p *Local) Leave(_ context.Context, server, token string, l job.Load, rows uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.servers[server]
	if s == nil || !s.tokens[token] {
		return nil
	}
	delete(s.tokens, token)
	if l.RowsPerSecond > 0 {
		if now := time.Now(); s.drained.Before(now) {
			s.drained = now
		}
		s.drained = s.drained.Add(time.Duration(float64(rows) / float64(l.RowsPerSecond) * float64(time.Second)))
	}
	return nil
}
