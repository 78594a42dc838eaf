package callback_test

import (
	"io"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/job"
)

// quoted stands in every answer and must appear in nothing that is said of it.
const quoted = "hIdDeN7Q"

var knownCode = regexp.MustCompile(`^(http_\d{3}|timeout|cut)$`)

// FuzzAnswer has a receiver answer with any bytes: the outcome is one of those that are known, success only with a
// whole 2xx, and nothing of the answer is repeated.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
		"HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 429 x\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 307 x\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nmore", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/9.9 999 x\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 000 x\r\n\r\n", "HTTP/1.1 -20 x\r\n\r\n", "SSH-2.0-OpenSSH", "\x16\x03\x01\x02", "HTTP/1.0 200 OK\r\n\r\nto the end",
	} {
		f.Add([]byte(answer))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	answers, served := make(chan []byte, 1), make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			head := make([]byte, 64<<10)
			_, _ = conn.Read(head)
			select {
			case answer := <-answers:
				_, _ = conn.Write(answer)
			default: // the connection of before was used up
			}
			if half, is := conn.(*net.TCPConn); is {
				_ = half.CloseWrite()
			}
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the library prints what comes behind an answer; processes discard that too
	f.Cleanup(func() { _ = l.Close(); <-served })
	f.Fuzz(func(t *testing.T, answer []byte) {
		e, err := callback.New(job.Callback{URL: "http://" + l.Addr().String() + "/x", Timeout: 500 * time.Millisecond})
		require.NoError(t, err)
		defer e.Close()
		answers <- append(answer, quoted...)
		a := e.Send(t.Context(), delivery)
		select {
		case <-answers: // it was not asked for
		default:
		}
		require.Regexp(t, knownCode, a.Code)
		require.Equal(t, a.Outcome == job.Delivered, a.Status/100 == 2 && strings.HasPrefix(a.Code, "http_"), "%+v", a)
		require.Equal(t, a.Outcome == job.Gone, a.Code == "http_410")
		require.NotEqual(t, job.NotSent, a.Outcome, "it was connected")
		require.NotContains(t, a.Detail+a.Code, quoted)
		require.NotContains(t, a.Detail+a.Code, rowValue)
		require.GreaterOrEqual(t, a.RetryAfter, time.Duration(0))
		require.LessOrEqual(t, a.RetryAfter, 24*time.Hour)
	})
}
