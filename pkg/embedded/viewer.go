package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// viewer takes pictures of a running server. It adds a command to the server
// and calls it from a script: a script runs alone, so the picture shows one
// moment whatever clients there are, and they need to know nothing of it.
// It is not safe for concurrent use.
type viewer struct {
	srv     *server.Server
	command string

	// What the command found.
	found negative
	err   error
}

// newViewer adds the command, under a name that no client can guess: outside
// of the script it would not be alone.
func newViewer(srv *server.Server) (*viewer, error) {
	v := &viewer{srv: srv, command: "PICTURE-" + rand.Text()}
	err := srv.Register(v.command, func(peer *server.Peer, _ string, _ []string) {
		v.found, v.err = expose(srv, peer.Ctx)
		peer.WriteOK()
	}, server.ReadOnlyOption())
	if err != nil {
		return nil, fmt.Errorf("prepare to save the embedded Redis: %w", err)
	}
	return v, nil
}

// take returns the state of this moment, and the keys of types that a picture
// cannot hold.
func (v *viewer) take() (p picture, skipped []string, err error) {
	_, err = newSession(v.srv, nil).do("EVAL", "return redis.call(ARGV[1])", "0", v.command)
	found := v.found
	v.found = negative{}
	if err := errors.Join(err, v.err); err != nil {
		return picture{}, nil, err
	}
	p, err = found.develop()
	return p, found.skipped, err
}

// negative is a picture whose replies are still to be read, which is done when
// the server has been let go again.
type negative struct {
	at      time.Time
	keys    []string
	kinds   []string
	skipped []string
	replies *session // for each key the value and the time it has left
}

// valueOf has the command that reads a whole key of a type.
var valueOf = map[string]func(key string) []string{
	"string": func(key string) []string { return []string{"GET", key} },
	"list":   func(key string) []string { return []string{"LRANGE", key, "0", "-1"} },
	"set":    func(key string) []string { return []string{"SMEMBERS", key} },
	"hash":   func(key string) []string { return []string{"HGETALL", key} },
	"zset":   func(key string) []string { return []string{"ZRANGE", key, "0", "-1", "WITHSCORES"} },
}

// expose reads everything while nobody else is served.
func expose(srv *server.Server, scriptContext any) (negative, error) {
	ask := newSession(srv, scriptContext)
	n := negative{at: time.Now(), replies: newSession(srv, scriptContext)}
	keys, err := texts(ask.do("KEYS", "*"))
	if err != nil {
		return negative{}, fmt.Errorf("list the keys: %w", err)
	}
	for _, key := range keys {
		reply, err := ask.do("TYPE", key)
		if err != nil {
			return negative{}, fmt.Errorf("type of key %q: %w", key, err)
		}
		kind, _ := reply.(server.Simple)
		command, known := valueOf[string(kind)]
		if !known {
			n.skipped = append(n.skipped, key)
			continue
		}
		n.keys, n.kinds = append(n.keys, key), append(n.kinds, string(kind))
		n.replies.send(command(key)...)
		n.replies.send("PTTL", key)
	}
	return n, nil
}

// develop reads the replies.
func (n negative) develop() (picture, error) {
	p := picture{Format: format, Saved: n.at.UTC().Truncate(time.Millisecond)}
	for i, key := range n.keys {
		e, err := newEntry(key, n.kinds[i], n.replies)
		if err != nil {
			return picture{}, fmt.Errorf("key %q: %w", key, err)
		}
		left, err := n.replies.receive()
		if err != nil {
			return picture{}, fmt.Errorf("expiry of key %q: %w", key, err)
		}
		if ms, ok := left.(int); ok && ms >= 0 {
			e.Expires = p.Saved.Add(time.Duration(ms) * time.Millisecond)
		}
		p.Keys = append(p.Keys, e)
	}
	p.sort()
	return p, nil
}

// newEntry reads the value of a key from the next reply.
func newEntry(key, kind string, replies *session) (entry, error) {
	e := entry{Key: key}
	reply, err := replies.receive()
	if err != nil {
		return entry{}, err
	}
	switch kind {
	case "string":
		text, ok := reply.(string)
		if !ok {
			return entry{}, fmt.Errorf("unexpected reply of type %T", reply)
		}
		e.String = &text
	case "list":
		e.List, err = texts(reply, nil)
	case "set":
		e.Set, err = texts(reply, nil)
	case "hash":
		e.Hash, err = pairs(reply)
	case "zset":
		e.ZSet, err = pairs(reply)
	}
	return e, err
}

func pairs(reply any) (map[string]string, error) {
	list, err := texts(reply, nil)
	if err != nil {
		return nil, err
	}
	if len(list)%2 != 0 {
		return nil, errors.New("an odd number of texts where pairs are due")
	}
	pairs := make(map[string]string, len(list)/2)
	for i := 0; i < len(list); i += 2 {
		pairs[list[i]] = list[i+1]
	}
	return pairs, nil
}

// texts reads a reply that is a list of texts.
func texts(reply any, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	replies, _ := reply.([]any)
	list := make([]string, len(replies))
	for i, r := range replies {
		text, ok := r.(string)
		if !ok {
			return nil, fmt.Errorf("unexpected reply of type %T", r)
		}
		list[i] = text
	}
	return list, nil
}
