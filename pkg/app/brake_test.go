package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// held says who holds the callbacks of the destination, and why.
func (w *world) held() string {
	w.t.Helper()
	for _, j := range w.status().Jobs {
		return j.Held["far"]
	}
	return ""
}

// TestAWrongDestinationIsNoFlood: where nearly every row differs, fewer than a hundred
// are called before the brake holds the rest, people hear of it, and whoever looked
// lets them go.
func TestAWrongDestinationIsNoFlood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.callback().Brake = 0.2
	w.insert(w.source, upTo(3000)...)
	heard := newPeople(t)
	c := w.telling(heard.url)
	for _, role := range []app.Role{app.Scheduler, app.Worker, app.Worker} {
		w.runConfig(role, c)
	}
	w.until(func() bool { return strings.Contains(w.held(), "brake: 100 % of the rows compared") }, "the brake holds")
	w.until(func() bool { return heard.heard("callbacks are held, because 100 % of the compared rows differ") == 1 }, "people are told")
	pass(time.Second)
	called := w.receiver.Count()
	require.Less(t, called, 100)
	w.until(func() bool { return len(w.events(job.EventBrake)) == 1 }, "it is noted")

	held, err := w.operator().Resume(t.Context(), app.Pause{Job: "shop", Destination: "far", Who: "eva@desk"})
	require.NoError(t, err)
	require.True(t, held)
	w.equalInTheEnd()
	require.Equal(t, 3000, w.receiver.Count())
	require.Empty(t, w.held())
}

// TestAPipelineBehindIsNotBraked: rows that come within the confirm delay are no
// difference, however many they are.
func TestAPipelineBehindIsNotBraked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.callback().Brake = 0.2
	w.job.ConfirmDelay = 3 * time.Second
	w.insert(w.source, upTo(2000)...)
	w.fleet()
	w.until(func() bool { return w.waiting(job.Confirm) == 2000 }, "all are suspected")
	w.insert(w.far, upTo(1990)...)
	w.equalInTheEnd()
	require.Equal(t, 10, w.receiver.Count())
	require.Empty(t, w.held())
}
