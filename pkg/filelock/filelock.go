// Package filelock keeps two processes of one host from working on one file.
package filelock

import (
	"errors"
	"os"
)

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// Lock is a lock on a file. It ends with the process that took it, or before.
type Lock struct{ file *os.File }

// Take locks a file, which it makes where there is none, without waiting.
// ErrLocked: another process holds it.
func Take(path string, mode os.FileMode) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, mode)
	if err != nil {
		return nil, err
	}
	if err := try(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f}, nil
}

// Release gives the lock back. To close the file would not: a program that is
// started at the same moment has it open until it runs.
func (l *Lock) Release() error { return errors.Join(release(l.file), l.file.Close()) }
