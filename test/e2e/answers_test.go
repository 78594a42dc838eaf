//go:build e2e

package e2e

import (
	"bytes"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestNothingOfAnAnswerIsPrinted: a receiver says more than the answer that it announced, in which a row may stand.
func TestNothingOfAnAnswerIsPrinted(t *testing.T) {
	t.Parallel()
	const more, rows = "13800138000", 200
	w := fleet.NewWorld(t)
	w.Fill(t, 1, rows)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var answered atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				body := make([]byte, 64<<10)
				for {
					n, err := conn.Read(body)
					if err != nil {
						return
					}
					if bytes.Contains(body[:n], []byte(http.MethodPost)) {
						answered.Add(1)
						_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + more))
					}
				}
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	w.Via.Receiver = l.Addr().String()
	processes := launch(t, w, w.SeedConfig(t), 1, 1)
	eventually.Until(t, time.Minute, func() bool { return answered.Load() >= rows }, "all are answered")
	for _, p := range processes {
		p.Terminate(t)
		require.Zero(t, p.Ended(t, 10*time.Second))
		require.NotContains(t, p.Output(), more)
	}
}
