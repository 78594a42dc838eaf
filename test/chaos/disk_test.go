//go:build chaos

package chaos

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// disk is a small file system that the processes log to.
type disk struct {
	dir   string
	small bool // it is one of its own
}

// newDisk mounts one; without the right to, the logs go to a plain folder, which never fills.
func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{dir: t.TempDir()}
	err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "size=64m")
	if err != nil {
		t.Logf("a full disk is left out: mount a tmpfs: %v", err)
		return d
	}
	d.small = true
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(d.dir, syscall.MNT_DETACH)) })
	return d
}

func (d *disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves no byte.
func (d *disk) fill(t testing.TB) {
	t.Helper()
	f, err := os.Create(d.filler())
	require.NoError(t, err)
	piece := make([]byte, 1<<16)
	for err == nil {
		if _, err = f.Write(piece); err != nil && len(piece) > 1 {
			piece, err = piece[:len(piece)/2], nil
		}
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
}

func (d *disk) free(t testing.TB) {
	t.Helper()
	if err := os.Remove(d.filler()); !errors.Is(err, os.ErrNotExist) {
		require.NoError(t, err)
	}
}
