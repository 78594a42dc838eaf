package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// TestRescanFindsWhatTheScansHavePassed breaks rows that were compared long ago
// without touching their update time, which no scan sees.
func TestRescanFindsWhatTheScansHavePassed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.RangeRows = 100
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(1000)...)
	w.insert(w.far, upTo(1000)...)
	w.fleet()
	w.until(func() bool { return w.stat("rows") >= 1000 }, "all rows are compared")
	require.Zero(t, w.receiver.Count())
	for _, id := range []int{1, 250, 900} {
		w.far.Exec(t, "DELETE FROM shop WHERE id = ?", id)
	}
	pushed := 0
	require.NoError(t, w.operator().Rescan(t.Context(), app.RescanOptions{From: "200", To: "950", OnPushed: func(n int, _ string) { pushed = n }}))
	require.Equal(t, 8, pushed)
	w.receiver.WaitFor(t, 2, patience)
	w.done(2)
	require.Equal(t, 2, w.receiver.Count(), "row 1 was not asked for")

	require.NoError(t, w.operator().Rescan(t.Context(), app.RescanOptions{}))
	w.receiver.WaitFor(t, 3, patience)
	w.done(3)
	w.equal()
}

// TestACupidWithoutARedisIsSteeredOverItsAPI: what it keeps in itself is seen and steered all the same.
func TestACupidWithoutARedisIsSteeredOverItsAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(callbacktest.Always(http.StatusBadGateway))
	w.insert(w.source, 1, 2)
	w.job.Destinations[0].Callback.Retry = time.Hour // they still wait when they are parked
	c := w.config(w.job)
	c.Redis, c.State, c.HTTP.Token = nil, t.TempDir(), job.NewSecret(tokenOfTests)
	w.runConfig(app.Both, c)
	operator := app.Operate(c)
	ctx := t.Context()
	open := app.Place{Queue: "retry", Most: 10}
	w.until(func() bool {
		found, err := operator.Callbacks(ctx, open)
		return err == nil && len(found.Callbacks) == 2
	}, "both wait to be retried")

	did, err := operator.Act(ctx, app.Order{Act: app.ActPark, Queue: "retry", Who: "eva@desk", Reason: "the receiver is moved"})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"done": 2}, did.Did)
	w.insert(w.far, 1, 2)
	begun := ""
	require.NoError(t, operator.Rescan(ctx, app.RescanOptions{Job: "shop", Who: "eva@desk", OnBegun: func(scan string) { begun = scan }}))
	require.Regexp(t, `^rescan-\d+$`, begun)
	w.until(func() bool {
		all, err := operator.Events(ctx, "shop", 10)
		return err == nil && strings.HasPrefix(all[0].What, begun+": 1 ranges pushed, up to 2")
	}, "the events say that it is done")
	all, err := operator.Events(ctx, "shop", 10)
	require.NoError(t, err)
	require.Equal(t, "eva@desk from 127.0.0.1", all[1].Who)
	require.Equal(t, begun+": keys (first) to (last)", all[1].What)
	s, err := operator.Status(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2, s.Jobs[0].Depths["callbacks:parked"])

	_, err = app.OperateAt(c.HTTP.Addr, "another").Events(ctx, "", 1)
	require.True(t, app.Mistaken(err))
	require.EqualError(t, err, c.HTTP.Addr+": the token is not its http.token")
}
