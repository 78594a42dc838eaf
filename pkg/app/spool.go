package app

import (
	"bufio"
	"errors"
	"io"
	"os"
)

// spool keeps on disk what is to be written later: it may not fit the memory.
type spool struct {
	dir    string   // of the file; "" is the system's for temporary files
	file   *os.File // nil while there is nothing
	buffer *bufio.Writer
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil {
		file, err := os.CreateTemp(s.dir, ".cupid-check-*") // private to its owner
		if err != nil {
			return 0, err
		}
		s.file, s.buffer = file, bufio.NewWriter(file)
	}
	return s.buffer.Write(p)
}

// moveTo writes all that was kept.
func (s *spool) moveTo(w io.Writer) error {
	if s.file == nil {
		return nil
	}
	if err := s.buffer.Flush(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, s.file)
	return err
}

// remove leaves no file behind.
func (s *spool) remove() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
