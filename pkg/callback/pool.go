package callback

import (
	"sync"
	"time"
)

// pool keeps the connections of one endpoint that are not in use, the one used
// last on top.
type pool struct {
	most int

	mu     sync.Mutex
	idle   []*conn
	timer  *time.Timer
	closed bool
}

// take gives a connection that is still good as far as can be seen; nil when there is none.
func (p *pool) take() *conn {
	for {
		c := p.pop()
		if c == nil || time.Since(c.idle) < idleTimeout && quiet(c.Conn) {
			return c
		}
		_ = c.Close()
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last], p.idle = nil, p.idle[:last]
	return c
}

// put takes a connection back on which nothing is on its way.
func (p *pool) put(c *conn) {
	c.idle = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.most {
		_ = c.Close()
		return
	}
	p.idle = append(p.idle, c)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleTimeout, p.sweep)
	}
}

// sweep closes what was idle for too long.
func (p *pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := 0
	for old < len(p.idle) && time.Since(p.idle[old].idle) >= idleTimeout {
		_ = p.idle[old].Close()
		old++
	}
	p.idle = append(p.idle[:0], p.idle[old:]...)
	if p.timer = nil; len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(time.Until(p.idle[0].idle.Add(idleTimeout)), p.sweep)
	}
}

// close closes what is idle, and each other one when it is put back.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.idle, p.closed = nil, true
	if p.timer != nil {
		p.timer.Stop()
	}
}
