package logging

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/filelock"
)

const (
	// maxSameName is how many processes of one name can log into one folder.
	maxSameName = 100
	// warnEvery is how often a file that cannot be written is reported.
	warnEvery = time.Hour
)

// claim finds the first file name of this process that no other one has, and
// opens the file once so that a folder that cannot be used is known at start.
// The name is held by a lock on a file beside it, which stays behind: to remove
// it would let two processes lock two files of one name.
func claim(dir, name string) (path string, lock *filelock.Lock, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, unusable(dir, err)
	}
	for i := 1; i <= maxSameName; i++ {
		base := "cupid-" + name
		if i > 1 {
			base = fmt.Sprintf("%s-%d", base, i)
		}
		path = filepath.Join(dir, base+".log")
		lock, err = claimOne(path, filepath.Join(dir, "."+base+".lock"))
		switch {
		case err == nil:
			return path, lock, nil
		case !errors.Is(err, filelock.ErrLocked):
			return "", nil, unusable(dir, err)
		}
	}
	return "", nil, fmt.Errorf("log folder %s: %d processes log as %q already: set another logDir", dir, maxSameName, name)
}

// claimOne returns filelock.ErrLocked when another process has the file.
func claimOne(path, lockPath string) (*filelock.Lock, error) {
	lock, err := filelock.Take(lockPath, 0o640)
	if err != nil {
		return nil, err
	}
	if err := touch(path); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return lock, nil
}

func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	return f.Close()
}

func unusable(dir string, err error) error {
	return fmt.Errorf("log folder %s cannot be used: make it writable for this user or set logDir to another folder: %w", dir, err)
}

// file is the rotated file. Its Write never fails.
type file struct {
	path string

	mu       sync.Mutex
	rotated  io.WriteCloser
	lock     *filelock.Lock
	console  *slog.Logger // for reports about the file itself
	closed   bool
	warnedAt time.Time
}

// Write drops the line when the file cannot take it.
func (f *file) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return len(line), nil
	}
	if _, err := f.rotated.Write(line); err != nil {
		f.warn(err)
	}
	return len(line), nil
}

func (f *file) warn(err error) {
	if !f.warnedAt.IsZero() && time.Since(f.warnedAt) < warnEvery {
		return
	}
	f.warnedAt = time.Now()
	f.console.Warn("log file cannot be written, lines go to the console only", "file", f.path, "error", err)
}

// Close gives the file name free. It may be called more than once.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return errors.Join(f.rotated.Close(), f.lock.Release())
}
