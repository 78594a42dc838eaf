package redistest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Prefix is a random beginning, "t3f9a1c0e:", for all keys that t writes. When
// t ends they are deleted, unless t failed. On a server that was started here,
// t then fails if there is any key that no test's prefix explains: code that
// forgets the prefix would write into a stranger's keys.
func (s *Server) Prefix(t testing.TB) string {
	t.Helper()
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	prefix := "t" + hex.EncodeToString(random) + ":"
	s.mu.Lock()
	s.prefixes = append(s.prefixes, prefix)
	s.mu.Unlock()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("keys %s* are kept on %s", prefix, s.Addr)
			return // and the prefix stays known
		}
		if err := s.clear(prefix); err != nil {
			t.Error(err)
		}
	})
	return prefix
}

func (s *Server) clear(prefix string) error {
	if s.daemon != nil && !s.daemon.Running() {
		return nil // the test ended its server
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience) // t.Context() is over by now
	defer cancel()
	var strays []string
	if s.daemon != nil {
		all, err := s.keys(ctx, "*")
		if err != nil {
			return err
		}
		strays = slices.DeleteFunc(all, s.explained)
		// A test that ended since the keys were listed took its keys and its prefix with it.
		if strays, err = s.existing(ctx, strays); err != nil {
			return err
		}
	}
	own, err := s.keys(ctx, prefix+"*")
	if err != nil {
		return err
	}
	for keys := range slices.Chunk(own, 1000) {
		if err := s.Client.Unlink(ctx, keys...).Err(); err != nil {
			return fmt.Errorf("delete the keys %s*: %w", prefix, err)
		}
	}
	s.mu.Lock()
	s.prefixes = slices.DeleteFunc(s.prefixes, func(p string) bool { return p == prefix })
	s.mu.Unlock()
	if len(strays) > 0 {
		return fmt.Errorf("keys without a test's prefix were written to %s: %q", s.Addr, strays)
	}
	return nil
}

// explained reports whether key begins with a prefix in use. It is asked after
// the keys were listed, so a test that began meanwhile is known.
func (s *Server) explained(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// existing are those of the keys that are still there.
func (s *Server) existing(ctx context.Context, keys []string) (there []string, err error) {
	for _, key := range keys {
		n, err := s.Client.Exists(ctx, key).Result()
		if err != nil {
			return nil, fmt.Errorf("look for the key %s: %w", key, err)
		}
		if n > 0 {
			there = append(there, key)
		}
	}
	return there, nil
}

func (s *Server) keys(ctx context.Context, pattern string) ([]string, error) {
	var keys []string
	iterator := s.Client.Scan(ctx, 0, pattern, 1000).Iterator()
	for iterator.Next(ctx) {
		keys = append(keys, iterator.Val())
	}
	if err := iterator.Err(); err != nil {
		return nil, fmt.Errorf("list the keys %s: %w", pattern, err)
	}
	return keys, nil
}
