// Package embedded is a Redis inside the process that keeps its data in a file.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/masixun71/cupid-go/pkg/filelock"
)

const (
	// saveEvery is how much of the newest work a killed process may forget.
	saveEvery = 2 * time.Second
	// tickEvery is how late a key may expire.
	tickEvery = 250 * time.Millisecond
	// saveShare and tickShare bound saving to a fourth and ticking to a
	// twentieth of the time, however large the data grows: both hold all commands.
	saveShare = 4
	tickShare = 20
	// complainEvery is how often a state that cannot be saved is reported.
	complainEvery = time.Minute
)

// ErrInUse says that another process works on the state file.
var ErrInUse = errors.New("in use by another running process")

// Store is a Redis server on a free local port. Only database 0 is kept. Start
// and Close are called by its owner, one after the other.
type Store struct {
	path  string
	addr  string
	log   *slog.Logger
	lock  *filelock.Lock
	redis *miniredis.Miniredis
	views *viewer

	// changes counts the commands that may have changed something. A command is
	// counted just before it runs, so one that is counted in a picture may be
	// missing from it: the state counts as saved when two pictures in a row
	// were taken at the same count.
	changes       atomic.Uint64
	countAtSave   uint64
	saved         bool // two in a row
	complainedAt  time.Time
	skippedBefore []string

	cancel context.CancelFunc // nil until Start
	done   sync.WaitGroup
	closed bool
}

// Open takes the state file path for this process, starts the server and loads
// the file into it; a file that does not exist yet is an empty store. A file in
// use by another process and one that cannot be read are errors that say so.
// Keys expire and changes are saved from Start on.
func Open(path string, log *slog.Logger) (*Store, error) {
	lock, err := claim(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, log: log, lock: lock, redis: miniredis.NewMiniRedis()}
	if err := s.open(); err != nil {
		s.redis.Close()
		return nil, errors.Join(err, lock.Release())
	}
	return s, nil
}

func (s *Store) open() error {
	p, err := load(s.path)
	if err != nil {
		return err
	}
	if err := restore(s.redis, p, time.Now()); err != nil {
		return damaged(s.path, err)
	}
	if err := s.redis.StartAddr("127.0.0.1:0"); err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	s.addr = s.redis.Addr()
	srv := s.redis.Server()
	if s.views, err = newViewer(srv); err != nil {
		return err
	}
	srv.SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if !harmless(srv, command) {
			s.changes.Add(1)
		}
		return false
	})
	return nil
}

// harmless reports whether a command changes no key. A script counts by the
// commands that it runs, each of which comes here by itself.
func harmless(srv *server.Server, command string) bool {
	return srv.IsReadOnlyCommand(command) || slices.Contains([]string{
		"EVAL", "EVALSHA", "SCRIPT", "PUBLISH", "SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE",
		"PING", "HELLO", "AUTH", "CLIENT", "SELECT", "INFO", "TIME", "COMMAND", "MULTI", "WATCH", "UNWATCH",
	}, command)
}

// Addr is where clients connect, "127.0.0.1:<port>".
func (s *Store) Addr() string { return s.addr }

// Start lets time pass for the keys and saves what changes, until Close.
func (s *Store) Start() {
	if s.cancel != nil || s.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.done.Go(func() { s.keepTime(ctx) })
	s.done.Go(func() { s.keepSaved(ctx) })
}

// Close saves the state and ends the server. Clients are closed before, so that
// nothing changes behind the last picture. It may be called more than once.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if s.cancel != nil {
		s.cancel()
		s.done.Wait()
	}
	err := s.save()
	s.redis.Close()
	return errors.Join(err, s.lock.Release())
}

// keepTime moves the server's clock for expiry, which stands still by itself.
func (s *Store) keepTime(ctx context.Context) {
	last := time.Now()
	for wait := tickEvery; pause(ctx, wait); {
		now := time.Now()
		s.redis.FastForward(now.Sub(last))
		last = now
		wait = max(tickEvery, tickShare*time.Since(now))
	}
}

func (s *Store) keepSaved(ctx context.Context) {
	for wait := saveEvery; pause(ctx, wait); {
		start := time.Now()
		s.saveChanges()
		wait = max(saveEvery, saveShare*time.Since(start))
	}
}

// pause waits and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// saveChanges saves unless the file has everything. An error is told once a
// minute, for the next try comes in seconds.
func (s *Store) saveChanges() {
	count := s.changes.Load()
	if s.saved && count == s.countAtSave {
		return
	}
	if err := s.save(); err != nil {
		s.saved = false
		if time.Since(s.complainedAt) >= complainEvery {
			s.complainedAt = time.Now()
			s.log.Error("state not saved, trying again", "file", s.path, "error", err)
		}
		return
	}
	s.saved = count == s.countAtSave
	s.countAtSave = count
	s.complainedAt = time.Time{}
}

// save writes one picture.
func (s *Store) save() error {
	p, skipped, err := s.views.take()
	if err != nil {
		return fmt.Errorf("read the state for %s: %w", s.path, err)
	}
	if !slices.Equal(skipped, s.skippedBefore) {
		s.skippedBefore = skipped
		s.log.Warn("keys of a type that the state file does not keep", "keys", skipped)
	}
	if err := replace(s.path, p.encode); err != nil {
		return fmt.Errorf("save the state to %s: %w", s.path, err)
	}
	return nil
}

// claim locks the state file for this process. The lock is on a file beside it,
// because each save replaces the state file itself.
func claim(path string) (*filelock.Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("state file %s: its folder cannot be made: %w", path, err)
	}
	lock, err := filelock.Take(path+".lock", 0o600)
	switch {
	case errors.Is(err, filelock.ErrLocked):
		return nil, fmt.Errorf("state file %s is %w: stop that one or name another cacheFilePath", path, ErrInUse)
	case err != nil:
		return nil, fmt.Errorf("state file %s cannot be locked: make its folder writable for this user or name another cacheFilePath: %w", path, err)
	}
	return lock, nil
}
