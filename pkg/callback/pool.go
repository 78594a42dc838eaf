package callback

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"
)

// conn is a connection to the receiver, or to the proxy before it.
type conn struct {
	net.Conn

	in   *bufio.Reader
	left int    // bytes of headers that may still be read
	out  []byte // for the next message
	idle time.Time
}

func newConn(c net.Conn) *conn {
	own := &conn{Conn: c}
	own.in = bufio.NewReader(limited{own})
	return own
}

// keptBytes are the most that a connection keeps for its messages while it is idle.
const keptBytes = 64 << 10

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
	if cap(c.out) > keptBytes {
		c.out = nil
	}
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

// limited reads from a connection no more than it may.
type limited struct{ c *conn }

// Read ends where the headers of an answer are too long.
func (l limited) Read(b []byte) (int, error) {
	if l.c.left <= 0 {
		return 0, errHeaders
	}
	n, err := l.c.Read(b)
	l.c.left -= n
	return n, err
}

// post is what answers are read for: the library asks for no more of a request than its method.
var post = &http.Request{Method: http.MethodPost}

// mostInterim are the interim answers (1xx) that may come before the real one.
const mostInterim = 5

// answer reads an answer up to its body. One that switches to another protocol is the last on its connection.
func (c *conn) answer() (*http.Response, error) {
	for range mostInterim + 1 {
		c.left = headerBytes
		resp, err := http.ReadResponse(c.in, post)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < http.StatusContinue {
			return nil, errStatus
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			c.left = int(^uint(0) >> 1) // what is read of the body is bounded by whoever reads it
			return resp, nil
		}
	}
	return nil, errInterim
}
