package filelock

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func mustTake(t *testing.T, path string) *Lock {
	t.Helper()
	lock, err := Take(path, 0o600)
	require.NoError(t, err)
	return lock
}

func TestOneHoldsTheLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	lock := mustTake(t, path)
	_, err := Take(path, 0o600)
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, lock.Release())
	require.NoError(t, mustTake(t, path).Release())
}

// A program that holds the file open, as one does between its fork and its start, holds no lock.
func TestAReleasedLockIsFreeWhoeverHasTheFileOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	lock := mustTake(t, path)
	other := exec.CommandContext(t.Context(), "sleep", "60")
	other.ExtraFiles = append(other.ExtraFiles, lock.file)
	require.NoError(t, other.Start())
	_, err := Take(path, 0o600)
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, lock.Release())
	require.NoError(t, mustTake(t, path).Release())
	require.NoError(t, other.Process.Kill())
	_ = other.Wait() // killed
}

func TestAFolderThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	_, err := Take(filepath.Join(t.TempDir(), "none", "lock"), 0o600)
	require.Error(t, err)
	require.NotErrorIs(t, err, ErrLocked)
}
