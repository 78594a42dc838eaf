package callback

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"time"
)

// conn is a connection to the receiver, or to the proxy before it.
type conn struct {
	net.Conn

	in   *bufio.Reader
	left int       // bytes of headers that may still be read
	idle time.Time // since when

	ends   <-chan struct{} // of the context that ends what it waits for
	unbind func() bool
}

func newConn(c net.Conn) *conn {
	own := &conn{Conn: c}
	own.in = bufio.NewReader(limited{own})
	return own
}

// bind has the end of ctx end what the connection waits for from now on. It is false where another context has done
// so already. It stays bound between messages: to come and go each time costs a twentieth of each, and nearly all have the same.
func (c *conn) bind(ctx context.Context) bool {
	if c.unbind != nil && c.ends == ctx.Done() {
		return true
	}
	if c.unbind != nil && !c.unbind() {
		return false
	}
	c.ends, c.unbind = ctx.Done(), context.AfterFunc(ctx, func() { _ = c.SetDeadline(past) })
	return true
}

// Close ends the connection.
func (c *conn) Close() error {
	if c.unbind != nil {
		c.unbind()
	}
	return c.Conn.Close()
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
