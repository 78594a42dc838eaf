// Package logging makes the log of a process: a console and a rotated file.
package logging

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/DeRuina/timberjack"
)

const (
	defaultMaxSizeMB = 100
	defaultMaxFiles  = 7
)

// The formats of a line.
const (
	Text = "text"
	JSON = "json"
)

// Config says how and where to log.
type Config struct {
	// Dir is the folder of the file; it is made when it is missing. "" logs to
	// the console only.
	Dir string
	// Format is Text, the default, or JSON.
	Format string
	// Level is the lowest that is logged; the zero Level is info.
	Level slog.Level
	// MaxSizeMB is how large the file grows before it is rotated; default 100.
	MaxSizeMB int
	// MaxFiles is how many rotated files are kept; default 7.
	MaxFiles int
}

// New makes the logger of the process called name ("worker-db.user"). It writes
// to console, which may be nil, and to <Dir>/cupid-<name>.log, or -2, -3 and so
// on when another process has that file. The returned function closes the file;
// what is logged later goes to the console only.
//
// A file that cannot be written while the process runs is reported on the
// console and stops nothing.
func New(c Config, name string, console io.Writer) (*slog.Logger, func() error, error) {
	if console == nil {
		console = io.Discard
	}
	newHandler, err := handlers(c)
	if err != nil {
		return nil, nil, err
	}
	if c.Dir == "" {
		return slog.New(newHandler(console)), func() error { return nil }, nil
	}
	if strings.ContainsAny(name, `/\`) {
		return nil, nil, fmt.Errorf("log name %q: it must not hold a slash", name)
	}
	path, lock, err := claim(c.Dir, name)
	if err != nil {
		return nil, nil, err
	}
	f := &file{
		path: path,
		rotated: &timberjack.Logger{
			Filename:   path,
			MaxSize:    cmp.Or(c.MaxSizeMB, defaultMaxSizeMB),
			MaxBackups: cmp.Or(c.MaxFiles, defaultMaxFiles),
			LocalTime:  true,
		},
		lock:    lock,
		console: slog.New(newHandler(console)),
	}
	return slog.New(newHandler(tee{console: console, file: f})), f.Close, nil
}

// handlers returns what makes a handler of the configured form.
func handlers(c Config) (func(io.Writer) slog.Handler, error) {
	options := &slog.HandlerOptions{Level: c.Level}
	switch c.Format {
	case "", Text:
		return func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }, nil
	case JSON:
		return func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) }, nil
	default:
		return nil, fmt.Errorf("log format %q: want %q or %q", c.Format, Text, JSON)
	}
}

// tee writes each line to both; one that fails does not keep it from the other.
type tee struct {
	console io.Writer
	file    io.Writer
}

func (t tee) Write(line []byte) (int, error) {
	_, consoleErr := t.console.Write(line)
	_, fileErr := t.file.Write(line)
	return len(line), errors.Join(consoleErr, fileErr)
}
