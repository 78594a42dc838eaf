package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// alone is the config of a process that keeps its own state.
func (w *world) alone(state string) *config.Config {
	c := w.config(w.job)
	c.Redis, c.State = nil, state
	return c
}

// state is the job as the process' own status shows it.
func (p *process) state(t *testing.T) app.JobStatus {
	t.Helper()
	found, err := p.Status(t.Context())
	require.NoError(t, err)
	status, ok := found.(app.Status)
	require.True(t, ok)
	if len(status.Jobs) == 0 {
		return app.JobStatus{}
	}
	return status.Jobs[0]
}

func TestStateIsKeptOverAStopAndOverAKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.StartID = "1"
	w.callback().SlowRetry, w.callback().Retry = 6*time.Second, 10*time.Millisecond
	w.receiver.Behave(callbacktest.Always(500))
	w.insert(w.source, upTo(20)...)
	w.insert(w.far, upTo(15)...)
	const waits = "callbacks:slow"

	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	first := w.runConfig(app.Both, w.alone(path))
	w.until(func() bool { return first.state(t).Depths[waits] == 5 }, "five callbacks wait in the slow queue")
	copied := filepath.Join(dir, "copy.json")
	w.until(func() bool { return savedWith(t, path, copied, waits, 5) }, "the state was saved meanwhile")
	require.Empty(t, w.log.lines("the start id is ignored"))
	require.NoError(t, first.stop())

	for n, state := range []string{path, copied} {
		began := len(w.log.String())
		p := w.runConfig(app.Both, w.alone(state))
		w.until(func() bool {
			return len(w.log.lines("the start id is ignored", "move the state file away", "start_id=1", "cursor=20")) == n+1
		}, "it says where it goes on")
		if state == path {
			w.until(func() bool { return p.state(t).Depths[waits] == 5 }, "they still wait")
			require.EqualValues(t, 20, p.state(t).Stats["rows"], "no row was compared again")
			require.NoError(t, p.stop())
			continue
		}
		w.receiver.Behave(w.repairing())
		w.until(func() bool { return p.state(t).Stats["closed_equal"] == 5 }, "all are repaired and closed")
		require.EqualValues(t, 20, p.state(t).Stats["rows"])
		require.NotContains(t, w.log.String()[began:], "level=ERROR")
		require.NoError(t, p.stop())
	}
	w.equal()
	for _, file := range []string{path, copied} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), planted)
	}
}

// savedWith copies the state file, as a kill at this moment would leave it, once
// it knows of so many callbacks in a phase.
func savedWith(t *testing.T, path, copied, phase string, callbacks int) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(text, []byte(phase)) || bytes.Count(text, []byte(`"slow"`)) < callbacks {
		return false
	}
	require.NoError(t, os.WriteFile(copied, text, 0o600))
	return true
}

func TestEmbeddedBringsRowsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(300)...)
	p := w.runConfig(app.Both, w.alone(t.TempDir()))
	w.until(func() bool { return p.state(t).Stats["closed_equal"] == 300 }, "all rows closed")
	require.Len(t, w.receiver.Counts("id"), 300)
	require.Equal(t, 300, w.receiver.Count())
	for name, n := range p.state(t).Depths {
		if name != "samples" {
			require.Zero(t, n, name)
		}
	}
	require.NoError(t, p.stop())
	w.equal()
	require.Zero(t, w.waiting(job.Slow), "nothing was written into the shared Redis")
}

func TestStateIsKeptWhenJobsComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, upTo(3)...)
	w.insert(w.far, upTo(3)...)
	dir := t.TempDir()
	rows := func(p *process) map[string]int64 {
		found, err := p.Status(t.Context())
		require.NoError(t, err)
		status, is := found.(app.Status)
		require.True(t, is)
		all := map[string]int64{}
		for _, j := range status.Jobs {
			all[j.Name] = j.Stats["rows"]
		}
		return all
	}
	both := func() *config.Config {
		c := w.alone(dir)
		c.Jobs = append(c.Jobs, w.second())
		return c
	}
	p := w.runConfig(app.Both, w.alone(dir))
	w.until(func() bool { return rows(p)["shop"] == 3 }, "the first job is through")
	p.Reload(both(), nil)
	w.until(func() bool { return rows(p)["second"] == 3 }, "the second is, too")
	require.NoError(t, p.stop())

	for _, c := range []*config.Config{both(), w.alone(dir)} {
		p = w.runConfig(app.Both, c)
		w.until(p.Working, "it works again")
		pass(500 * time.Millisecond)
		require.Equal(t, map[string]int64{"shop": 3, "second": 3}, rows(p), "no row is compared again")
		require.NoError(t, p.stop())
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "cupid-shop.state.json")}, files)
}
