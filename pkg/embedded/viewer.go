package embedded

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// viewer takes pictures of a running server. It adds a command to the server
// and calls it from a script: a script runs alone, so the picture shows one
// moment whatever clients there are, and they need to know nothing of it.
type viewer struct {
	srv     *server.Server
	command string

	// What the command found.
	found   picture
	skipped []string
	err     error
}

// newViewer adds the command, under a name that no client can guess: outside
// of the script it would not be alone.
func newViewer(srv *server.Server) (*viewer, error) {
	v := &viewer{srv: srv, command: "PICTURE-" + rand.Text()}
	err := srv.Register(v.command, func(peer *server.Peer, _ string, _ []string) {
		v.found, v.skipped, v.err = look(session{srv: srv, ctx: peer.Ctx})
		peer.WriteOK()
	}, server.ReadOnlyOption())
	if err != nil {
		return nil, fmt.Errorf("prepare to save the embedded Redis: %w", err)
	}
	return v, nil
}

// take returns the state of this moment, and the keys of types that it cannot hold.
func (v *viewer) take() (picture, []string, error) {
	_, err := session{srv: v.srv}.do("EVAL", "return redis.call(ARGV[1])", "0", v.command)
	found, skipped, err := v.found, v.skipped, errors.Join(err, v.err)
	v.found, v.skipped, v.err = picture{}, nil, nil
	return found, skipped, err
}

func look(s session) (p picture, skipped []string, err error) {
	now := time.Now()
	p = picture{Format: format, Saved: now.UTC().Truncate(time.Millisecond)}
	keys, err := s.list("KEYS", "*")
	if err != nil {
		return picture{}, nil, err
	}
	slices.Sort(keys)
	for _, key := range keys {
		e, known, err := s.entry(key, now)
		switch {
		case err != nil:
			return picture{}, nil, fmt.Errorf("key %q: %w", key, err)
		case !known:
			skipped = append(skipped, key)
		default:
			p.Keys = append(p.Keys, e)
		}
	}
	return p, skipped, nil
}

// session runs commands on the server without a connection.
type session struct {
	srv *server.Server
	ctx any // of the script that the commands belong to
}

// entry reads one key; known is false for a type that a picture cannot hold.
func (s session) entry(key string, now time.Time) (e entry, known bool, err error) {
	e.Key = key
	kind, err := s.do("TYPE", key)
	if err != nil {
		return e, false, err
	}
	switch kind {
	case server.Simple("string"):
		var text any
		text, err = s.do("GET", key)
		value, _ := text.(string)
		e.String = &value
	case server.Simple("list"):
		e.List, err = s.list("LRANGE", key, "0", "-1")
	case server.Simple("set"):
		e.Set, err = s.list("SMEMBERS", key)
		slices.Sort(e.Set)
	case server.Simple("hash"):
		e.Hash, err = s.pairs("HGETALL", key)
	case server.Simple("zset"):
		e.ZSet, err = s.pairs("ZRANGE", key, "0", "-1", "WITHSCORES")
	default:
		return e, false, nil
	}
	if err != nil {
		return e, false, err
	}
	left, err := s.do("PTTL", key)
	if ms, ok := left.(int); ok && ms >= 0 {
		e.Expires = now.Add(time.Duration(ms) * time.Millisecond).UTC().Truncate(time.Millisecond)
	}
	return e, true, err
}

func (s session) pairs(command ...string) (map[string]string, error) {
	list, err := s.list(command...)
	pairs := make(map[string]string, len(list)/2)
	for pair := range slices.Chunk(list, 2) {
		if len(pair) != 2 {
			return nil, fmt.Errorf("%s: an odd number of texts", command[0])
		}
		pairs[pair[0]] = pair[1]
	}
	return pairs, err
}

func (s session) list(command ...string) ([]string, error) {
	reply, err := s.do(command...)
	if err != nil {
		return nil, err
	}
	replies, _ := reply.([]any)
	list := make([]string, len(replies))
	for i, r := range replies {
		text, ok := r.(string)
		if !ok {
			return nil, fmt.Errorf("%s: unexpected reply of type %T", command[0], r)
		}
		list[i] = text
	}
	return list, nil
}

func (s session) do(command ...string) (any, error) {
	var reply bytes.Buffer
	peer := server.NewPeer(bufio.NewWriter(&reply))
	peer.Ctx = s.ctx
	s.srv.Dispatch(peer, command)
	peer.Flush()
	return server.ParseReply(bufio.NewReader(&reply))
}
