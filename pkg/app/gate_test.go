package app_test

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// gate stands between a process and a server. While it is shut, what either
// says waits, as for a process that was paused or a network that hangs.
type gate struct {
	addr string

	mu    sync.Mutex
	open  chan struct{} // closed while the gate is open
	conns []net.Conn
	flows sync.WaitGroup
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{addr: l.Addr().String(), open: make(chan struct{})}
	close(g.open)
	g.flows.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, near, far)
			g.mu.Unlock()
			g.flows.Go(func() { g.flow(far, near) })
			g.flows.Go(func() { g.flow(near, far) })
		}
	})
	t.Cleanup(func() {
		g.lift()
		l.Close()
		g.mu.Lock()
		for _, c := range g.conns {
			c.Close()
		}
		g.mu.Unlock()
		g.flows.Wait()
	})
	return g
}

func (g *gate) flow(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		<-g.state()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (g *gate) state() chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// shut holds everything back from now on.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

// lift lets what was held back through.
func (g *gate) lift() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}
