package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestOneBadJobIsShownAndTheOtherRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	bad := w.job
	bad.Name = "bad"
	bad.Source.Shard.Table = "nowhere"
	p := w.runConfig(app.Both, w.config(w.job, bad))
	w.insert(w.source, 1)
	w.done(1)
	require.Len(t, w.log.lines("this job does not run, the others do", "job=bad", "nowhere"), 1)
	found, err := p.Status(t.Context())
	require.NoError(t, err)
	status, ok := found.(app.Status)
	require.True(t, ok)
	require.Equal(t, map[string]string{"shop": "running", "bad": "refused"}, status.Local)
	require.Len(t, status.Processes, 1)
	require.Equal(t, http.StatusServiceUnavailable, p.get(t, "/readyz"))
	require.NoError(t, p.stop())
}

func TestSingleBadJobEndsTheProcessWithOneLine(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world){
		"does not exist": func(w *world) { w.job.Source.Shard.Table = "nowhere" },
		"byColumn":       func(w *world) { w.job.Source.ByColumns = []string{"nothing"} },
		"password":       func(w *world) { w.job.Source.DSN = job.NewSecret(strings.Replace(w.source.DSN, ":", ":not", 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			spoil(w)
			for _, role := range []app.Role{app.Scheduler, app.Worker, app.Both} {
				err := w.runConfig(role, w.config(w.job)).wait()
				require.ErrorIs(t, err, app.ErrConfig)
				require.ErrorContains(t, err, "job shop: ")
				require.ErrorContains(t, err, name)
				require.NotContains(t, err.Error(), "\n")
			}
		})
	}
}

func TestKnownJobWithAnotherSourceIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(app.Scheduler)
	w.insert(w.source, 1)
	w.until(func() bool { return w.server.Client.HExists(t.Context(), w.key("spec"), "identity").Val() }, "a leader")
	other := newWorld(t)
	other.job.Name = w.job.Name
	for _, role := range []app.Role{app.Scheduler, app.Worker} {
		c := w.config(other.job)
		err := w.runConfig(role, c).wait()
		require.ErrorIs(t, err, app.ErrConfig)
		require.ErrorContains(t, err, "this Redis knows it with another source or scan key")
		require.NotContains(t, err.Error(), "\n")
	}
}

// Of two versions whose keys differ, the one that comes second goes: at its start, and in the middle of its work
// when the other was faster on a Redis that had been emptied.
func TestKeysOfAnotherLayoutEndTheProcessWithOneLine(t *testing.T) {
	t.Parallel()
	for _, role := range []app.Role{app.Scheduler, app.Worker, app.Both} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.runConfig(role, w.config(w.job))
			w.until(func() bool { return p.get(t, "/readyz") == http.StatusOK }, "it is ready")
			key := w.prefix + "layout"
			require.NoError(t, w.server.Client.Set(t.Context(), key, "1.9", 0).Err())
			newer := w.runConfig(role, w.config(w.job))
			w.until(func() bool { return newer.get(t, "/readyz") == http.StatusOK }, "additions are no other layout")
			require.NoError(t, w.server.Client.Set(t.Context(), key, "2", 0).Err())
			for _, one := range []*process{p, newer, w.runConfig(role, w.config(w.job))} {
				err := one.wait()
				require.ErrorIs(t, err, app.ErrConfig)
				require.ErrorContains(t, err, "have layout 2, this cupid writes layout 1: use another redis.prefix, or the cupid version that wrote them")
				require.NotContains(t, err.Error(), "\n")
			}
			require.Equal(t, "2", w.server.Client.Get(t.Context(), key).Val())
		})
	}
}

func TestWorkerWithOtherColumnsGetsNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.run(app.Scheduler)
	w.insert(w.source, 1)
	w.until(func() bool { return w.server.Client.LLen(t.Context(), w.key("ranges")).Val() == 1 }, "a range is claimed")
	other := w.job
	other.Destinations = append([]job.Destination{}, w.job.Destinations...)
	other.Destinations[0].Columns = other.Destinations[0].Columns[:1]
	w.runConfig(app.Worker, w.config(other))
	w.until(func() bool {
		return len(w.log.lines("this job gets no work here", "give all processes the same config")) > 0
	}, "it says so")
	require.Zero(t, w.stat("rows"))

	w.run(app.Worker)
	w.done(1)
	require.Equal(t, map[callbacktest.Key]int{{ID: "1", Type: 1}: 1}, w.receiver.Counts("id"))
}

func TestSchedulerWithoutARedisSaysWhatItNeeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, role := range []app.Role{app.Scheduler, app.Worker} {
		c := w.config(w.job)
		c.Redis = nil
		_, err := app.New(c, app.Options{Role: role, Console: w.log})
		require.ErrorIs(t, err, app.ErrConfig)
		require.ErrorContains(t, err, "redis")
	}
}

func TestCallbacksThatAreOffNeedNoAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().Off, w.callback().URL = true, ""
	w.insert(w.source, 1, 2)
	w.fleet()
	w.done(2)
	require.EqualValues(t, 2, w.stat("differences"))
}
