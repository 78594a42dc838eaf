// Package filelock keeps two processes of one host from working on one file.
package filelock

import "errors"

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("locked by another process")
