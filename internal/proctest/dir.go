package proctest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// dirPattern names run directories; short, because they hold unix sockets,
// whose paths end at 108 bytes.
const dirPattern = "cupid-test-*"

// Dir is the directory of one server's run. It is marked as in use by a file
// lock, which the kernel lets go of when the test binary dies: so directories
// that a killed run left behind are known, and removed at the next start.
type Dir struct {
	Path string
	lock *os.File
}

// NewDir removes the directories of runs that died and makes a new one.
func NewDir() (*Dir, error) {
	// Without this lock another process could take a directory that is made
	// but not yet locked for a leftover.
	unlock, err := lockCache()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := sweep(); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		return nil, fmt.Errorf("make a run directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(path, "lock"), os.O_CREATE, syscall.LOCK_EX)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &Dir{Path: path, lock: lock}, nil
}

// File is the path of a file in the directory.
func (d *Dir) File(name string) string { return filepath.Join(d.Path, name) }

// Remove deletes the directory with all that is in it.
func (d *Dir) Remove() error {
	return errors.Join(os.RemoveAll(d.Path), d.lock.Close())
}

func sweep() error {
	paths, err := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	if err != nil {
		return fmt.Errorf("look for leftovers in %s: %w", os.TempDir(), err)
	}
	for _, path := range paths {
		lock, err := lockFile(filepath.Join(path, "lock"), 0, syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // in use, another user's, or not one of ours
		}
		if err := errors.Join(os.RemoveAll(path), lock.Close()); err != nil {
			return fmt.Errorf("remove leftover %s: %w", path, err)
		}
	}
	return nil
}

// Cached returns a directory that make has filled once for all test binaries
// of this user: the first to need it makes it, the others wait and then find
// it complete. The key must name everything that the content depends on.
func Cached(key string, fill func(dir string) error) (string, error) {
	unlock, err := lockCache()
	if err != nil {
		return "", err
	}
	defer unlock()
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, key)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	unfinished := path + ".new" // of a run that was killed here
	if err := os.RemoveAll(unfinished); err != nil {
		return "", fmt.Errorf("clear %s: %w", unfinished, err)
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return "", fmt.Errorf("make a cache directory: %w", err)
	}
	if err := fill(unfinished); err != nil {
		return "", err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return "", fmt.Errorf("put the cache directory in place: %w", err)
	}
	return path, nil
}

func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil { // no HOME, as under some supervisors
		base = filepath.Join(os.TempDir(), "cache-"+strconv.Itoa(os.Getuid()))
	}
	dir := filepath.Join(base, "cupid-test")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the cache directory of the tests: %w", err)
	}
	return dir, nil
}

// lockCache waits for its turn among all test binaries of this user.
func lockCache() (unlock func(), err error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"), os.O_CREATE, syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}

func lockFile(path string, create, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|create, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, fmt.Errorf("lock %s: %w", path, errors.Join(err, file.Close()))
		}
	}
}
