package callback

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
)

// trace notes how far an exchange came. The transport may call the hooks from
// its own goroutines, also after it returned.
type trace struct {
	mu        sync.Mutex
	connected bool
	tls       error
}

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.connected = true
		},
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.tls = err
		},
	}
}

// isConnected reports whether the request had a connection, so that some of it
// may have been sent.
func (t *trace) isConnected() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.connected
}

func (t *trace) tlsError() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tls
}
