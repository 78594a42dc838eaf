package callback

import (
	"bufio"
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
}

func newConn(c net.Conn) *conn {
	own := &conn{Conn: c}
	own.in = bufio.NewReader(limited{own})
	return own
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
