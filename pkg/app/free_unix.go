//go:build linux || darwin || freebsd

package app

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freeBytes is what a file system has left for this user.
func freeBytes(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", dir, err)
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil //nolint:gosec,unconvert // their types differ between systems
}
