package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
)

// open makes a logger into dir and closes it when the test ends.
func open(t *testing.T, c Config, name string) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	var console bytes.Buffer
	log, closeLog, err := New(c, name, &console)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, closeLog()) })
	return log, &console
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestConsoleAndFileHoldTheSame(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "when missing")
	log, console := open(t, Config{Dir: dir}, "worker-db.user")
	log.With("job", "db.user").Info("range compared", "rows", 7)
	log.Debug("not shown")
	require.Contains(t, console.String(), `level=INFO msg="range compared" job=db.user rows=7`)
	require.NotContains(t, console.String(), "not shown")
	require.Equal(t, console.String(), read(t, filepath.Join(dir, "cupid-worker-db.user.log")))
}

func TestJSONAndLevel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, console := open(t, Config{Dir: dir, Format: JSON, Level: slog.LevelDebug}, "cupid")
	log.Debug("hello", "n", 1)
	var line struct {
		Msg string
		N   int
	}
	require.NoError(t, json.Unmarshal(console.Bytes(), &line))
	require.Equal(t, "hello", line.Msg)
	require.Equal(t, console.String(), read(t, filepath.Join(dir, "cupid-cupid.log")))
}

func TestWithoutFolderThereIsNoFile(t *testing.T) {
	t.Parallel()
	log, console := open(t, Config{}, "worker")
	log.Warn("only here")
	require.Contains(t, console.String(), "only here")
}

func TestWithoutConsole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, closeLog, err := New(Config{Dir: dir}, "worker", nil)
	require.NoError(t, err)
	log.Info("only there")
	require.NoError(t, closeLog())
	require.Contains(t, read(t, filepath.Join(dir, "cupid-worker.log")), "only there")
}

func TestAnExistingFileIsContinued(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 2 {
		log, closeLog, err := New(Config{Dir: dir}, "worker", nil)
		require.NoError(t, err)
		log.Info("started")
		require.NoError(t, closeLog())
		require.NoError(t, closeLog())
	}
	require.Equal(t, 2, strings.Count(read(t, filepath.Join(dir, "cupid-worker.log")), "started"))
}

func TestTwoProcessesNeverShareAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _ := open(t, Config{Dir: dir}, "worker-db.user")
	second, closeSecond, err := New(Config{Dir: dir}, "worker-db.user", nil)
	require.NoError(t, err)
	third, _ := open(t, Config{Dir: dir}, "worker-db.user")
	first.Info("i am 1")
	second.Info("i am 2")
	third.Info("i am 3")
	require.NoError(t, closeSecond())
	fourth, _ := open(t, Config{Dir: dir}, "worker-db.user")
	fourth.Info("i am 4")
	second.Info("closed, so the file is not mine any more")

	file := func(name string) string { return read(t, filepath.Join(dir, name)) }
	require.Equal(t, 1, strings.Count(file("cupid-worker-db.user.log"), "\n"))
	require.Contains(t, file("cupid-worker-db.user.log"), "i am 1")
	require.Equal(t, 2, strings.Count(file("cupid-worker-db.user-2.log"), "\n"))
	require.Contains(t, file("cupid-worker-db.user-2.log"), "i am 4")
	require.Contains(t, file("cupid-worker-db.user-3.log"), "i am 3")
}

// TestRotation also proves that rotating one process's files removes none of
// the next one's, whose names begin alike.
func TestRotation(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := Config{Dir: dir, MaxSizeMB: 1, MaxFiles: 2}
	first, _ := open(t, c, "worker")
	second, _ := open(t, c, "worker")
	fill := strings.Repeat("x", 300<<10)
	for range 5 { // rotated once
		second.Info("full", "fill", fill)
	}
	for range 30 { // rotated many times
		first.Info("full", "fill", fill)
	}
	count := func(pattern string) int {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		require.NoError(t, err)
		return len(names)
	}
	eventually.Until(t, 10*time.Second, func() bool { return count("cupid-worker-20*.log") == c.MaxFiles }, "old files are removed")
	require.Equal(t, 1, count("cupid-worker-2-20*.log"))
	require.Equal(t, 1, count("cupid-worker.log"))
	require.Equal(t, 1, count("cupid-worker-2.log"))
}

func TestUnusableFolderIsOneClearLine(t *testing.T) {
	t.Parallel()
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	for _, dir := range []string{blocked, filepath.Join(blocked, "below")} {
		_, _, err := New(Config{Dir: dir}, "worker", nil)
		require.ErrorContains(t, err, "log folder "+dir+" cannot be used: make it writable for this user or set logDir to another folder: ")
		require.NotContains(t, err.Error(), "\n")
	}

	dir := t.TempDir() // the file's own place is taken
	require.NoError(t, os.Mkdir(filepath.Join(dir, "cupid-worker.log"), 0o700))
	_, _, err := New(Config{Dir: dir}, "worker", nil)
	require.ErrorContains(t, err, "log folder "+dir+" cannot be used")
}

func TestBadConfigIsRefused(t *testing.T) {
	t.Parallel()
	_, _, err := New(Config{Format: "xml"}, "worker", nil)
	require.EqualError(t, err, `log format "xml": want "text" or "json"`)
	_, _, err = New(Config{Dir: t.TempDir()}, "../worker", nil)
	require.EqualError(t, err, `log name "../worker": it must not hold a slash`)
}

// fullDisk fails while it is full.
type fullDisk struct {
	full    bool
	written bytes.Buffer
}

func (d *fullDisk) Write(line []byte) (int, error) {
	if d.full {
		return 0, errors.New("no space left on device")
	}
	return d.written.Write(line)
}

func (*fullDisk) Close() error { return nil }

func TestFullDiskStopsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var console bytes.Buffer
		disk := &fullDisk{full: true}
		newHandler, err := handlers(Config{})
		require.NoError(t, err)
		f := &file{path: "/logs/cupid-worker.log", rotated: disk, console: slog.New(newHandler(&console))}
		log := slog.New(newHandler(tee{console: &console, file: f}))

		const warning = `level=WARN msg="log file cannot be written, lines go to the console only" file=/logs/cupid-worker.log error="no space left on device"`
		log.Info("one")
		log.Info("two")
		require.Equal(t, 1, strings.Count(console.String(), warning))
		time.Sleep(warnEvery)
		log.Info("three")
		require.Equal(t, 2, strings.Count(console.String(), warning), "once an hour")
		disk.full = false
		log.Info("four")
		require.Equal(t, 2+4, strings.Count(console.String(), "\n"))
		require.Equal(t, 1, strings.Count(disk.written.String(), "\n"))
	})
}

func TestManyLoggers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, console := open(t, Config{Dir: dir}, "worker")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				log.Info("line")
			}
		})
	}
	all.Wait()
	require.Equal(t, 800, strings.Count(console.String(), "\n"))
	require.Equal(t, console.String(), read(t, filepath.Join(dir, "cupid-worker.log")))
}
