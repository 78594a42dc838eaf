package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestTheFleetIsToldOfALagThatChangesAndNowAndThenOfAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l lagNotes
		l.note("insert", 7)
		l.note("update", 0)
		require.Equal(t, map[string]int64{"insert": 7, "update": 0}, l.take())

		time.Sleep(wholeEvery / 2)
		require.Empty(t, l.take(), "nothing was noted")
		l.note("insert", 7)
		l.note("update", 3)
		require.Equal(t, map[string]int64{"update": 3}, l.take())
		l.note("update", 0)
		require.Equal(t, map[string]int64{"update": 0}, l.take(), "told is what was told last")

		time.Sleep(wholeEvery / 2)
		l.note("insert", 7)
		l.note("update", 0)
		require.Equal(t, map[string]int64{"insert": 7, "update": 0}, l.take(), "Redis may have lost it")
	})
}

func TestJobsWithNothingToDoAreReportedSeldom(t *testing.T) {
	t.Parallel()
	busy, idle := &jobRun{job: job.Job{Name: "busy"}}, &jobRun{job: job.Job{Name: "idle"}}
	a := &App{jobs: []*jobRun{busy, idle}}
	require.Equal(t, []string{"busy", "idle"}, a.worked(true))
	require.Empty(t, a.worked(false))
	busy.worked.Store(true)
	require.Equal(t, []string{"busy"}, a.worked(false))
	require.Empty(t, a.worked(false), "it was said")
}

func TestWithManyJobsEachIsAskedForMoreSeldom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		jobs       int
		poll, look time.Duration
	}{
		{1, time.Second, lookEvery},
		{50, 5 * time.Second, 30 * time.Second},
		{100, 10 * time.Second, lookSeldom},
		{5000, time.Minute, lookSeldom},
	} {
		a := &App{jobs: make([]*jobRun, c.jobs)}
		require.Equal(t, c.poll, (&jobRun{a: a}).idlePoll(time.Second), "%d jobs", c.jobs)
		require.Equal(t, c.look, (&teller{a: a, job: "j"}).every(), "%d jobs", c.jobs)
	}
}
