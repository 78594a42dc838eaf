package callback

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// heardFrom is a connection on which these bytes have come.
type heardFrom struct {
	net.Conn
	bytes.Reader
}

func (h *heardFrom) Read(b []byte) (int, error) { return h.Reader.Read(b) }

func onWhich(come string) *conn {
	h := &heardFrom{}
	h.Reset([]byte(come))
	return newConn(h)
}

func TestPlainAnswersAreTakenWithoutTheLibrary(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 06:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\ncontent-length:2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nok",
		"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nX_Odd: \xff\r\n\r\nok",
	} {
		c := onWhich(answer)
		_, ok := c.plain()
		require.True(t, ok, "%q", answer)
		require.Zero(t, c.in.Buffered(), "%q", answer)
	}
	for _, answer := range []string{
		"", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
		"HTTP/1.1 200 OK\r\nX: y\r\n Connection: close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection : close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\na",
	} {
		c := onWhich(answer)
		_, ok := c.plain()
		require.False(t, ok, "%q", answer)
		left, err := io.ReadAll(c.in)
		require.NoError(t, err)
		require.Equal(t, answer, string(left), "it is the library's, whole")
	}
}

// FuzzPlain holds what is taken without the library against what that says.
func FuzzPlain(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 06:00:00 GMT\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 299 \r\nA: b\r\nContent-Length: 00001\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTrailer: x\r\nTransfer-Encoding: chunked\r\nUpgrade: h2c\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		quick := onWhich(answer)
		status, ok := quick.plain()
		if !ok {
			return
		}
		slow := onWhich(answer)
		resp, err := slow.answer()
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, resp.StatusCode, status)
		require.False(t, resp.Close)
		require.Equal(t, rest(t, slow.in), rest(t, quick.in))
	})
}

func rest(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	left, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(left)
}
