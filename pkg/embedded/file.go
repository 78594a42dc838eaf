package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// load reads the state file; one that does not exist is an empty picture.
func load(path string) (picture, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return picture{}, nil
	}
	if err != nil {
		return picture{}, fmt.Errorf("read state file: %w", err)
	}
	p, err := decode(content)
	if err != nil {
		return picture{}, damaged(path, err)
	}
	return p, nil
}

// damaged is what a person is told who has to decide about the file.
func damaged(path string, err error) error {
	return fmt.Errorf("state file %s cannot be read, move it away to start without it (open retries and cursors are in it): %w", path, err)
}

// replace writes a new file and puts it in the place of the old one, so that at
// each moment there is a whole one, also after a power cut.
func replace(path string, write func(io.Writer) error) error {
	temp := path + ".tmp"
	// A killed process may have left one; it is not reused, because in a shared
	// folder it could be somebody's link.
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := writeSynced(temp, write); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return syncDir(filepath.Dir(path))
}

func writeSynced(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(write(w), w.Flush(), f.Sync()); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
