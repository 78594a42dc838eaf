package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
)

// TestAPausedJobStandsStill: nothing is claimed, compared or sent while a job is
// paused, people see why, and it goes on where it was.
func TestAPausedJobStandsStill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(100)...)
	w.fleet()
	w.done(100)
	until, err := w.operator().Pause(t.Context(), app.Pause{Job: "shop", Who: "eva@desk", Reason: "the receiver is moved"})
	require.NoError(t, err)
	require.Zero(t, until)

	claimed := w.server.Client.HGetAll(t.Context(), w.key("cursor")).Val()
	w.insert(w.source, 101, 102)
	require.NoError(t, w.server.Client.LPush(t.Context(), w.key("ranges"), "insert:"+w.source.Name+".shop:100..102").Err())
	s, err := app.FleetStatus(t.Context(), w.redis)
	require.NoError(t, err)
	require.Equal(t, "eva@desk: the receiver is moved", s.Jobs[0].Paused)
	pass(3 * time.Second) // many ticks of the scheduler and polls of the workers
	require.Equal(t, claimed, w.server.Client.HGetAll(t.Context(), w.key("cursor")).Val())
	require.EqualValues(t, 1, w.server.Client.LLen(t.Context(), w.key("ranges")).Val())
	require.Equal(t, 100, w.receiver.Count())

	held, err := w.operator().Resume(t.Context(), app.Pause{Job: "shop", Who: "eva@desk"})
	require.NoError(t, err)
	require.True(t, held)
	w.equalInTheEnd()
	require.Equal(t, 102, w.receiver.Count())
}

func TestAPauseThatEndsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, 1)
	w.fleet()
	w.done(1)
	until, err := w.operator().Pause(t.Context(), app.Pause{Job: "shop", Who: "eva", Reason: "a moment", For: 2 * time.Second})
	require.NoError(t, err)
	w.insert(w.source, 2)
	w.receiver.WaitFor(t, 2, patience)
	require.False(t, time.Now().Before(until), "it was called before the pause was over")
	w.equalInTheEnd()
}
