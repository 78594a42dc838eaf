package embedded

import (
	"bufio"
	"bytes"

	"github.com/alicebob/miniredis/v2/server"
)

// session runs commands on the server without a connection.
type session struct {
	srv     *server.Server
	peer    *server.Peer
	replies bytes.Buffer
	reader  *bufio.Reader
}

// newSession runs its commands in the context of a script, or by itself when
// that is nil.
func newSession(srv *server.Server, scriptContext any) *session {
	s := &session{srv: srv}
	s.peer = server.NewPeer(bufio.NewWriter(&s.replies))
	s.peer.Ctx = scriptContext
	s.reader = bufio.NewReader(&s.replies)
	return s
}

// do runs a command and reads its reply.
func (s *session) do(command ...string) (any, error) {
	s.send(command...)
	return s.receive()
}

// send runs a command; its reply waits for receive.
func (s *session) send(command ...string) { s.srv.Dispatch(s.peer, command) }

// receive reads the oldest reply: nil, int, string, server.Simple or []any.
func (s *session) receive() (any, error) {
	s.peer.Flush()
	return server.ParseReply(s.reader)
}
