package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
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
	require.NoError(t, app.Rescan(t.Context(), w.config(w.job), app.RescanOptions{From: "200", To: "950", OnPushed: func(n int, _ string) { pushed = n }}))
	require.Equal(t, 8, pushed)
	w.receiver.WaitFor(t, 2, patience)
	w.done(2)
	require.Equal(t, 2, w.receiver.Count(), "row 1 was not asked for")

	require.NoError(t, app.Rescan(t.Context(), w.config(w.job), app.RescanOptions{}))
	w.receiver.WaitFor(t, 3, patience)
	w.done(3)
	w.equal()
}

func TestRescanWithoutARedisSaysWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.config(w.job)
	c.Redis = nil
	err := app.Rescan(t.Context(), c, app.RescanOptions{})
	require.ErrorIs(t, err, app.ErrConfig)
	require.ErrorContains(t, err, "names no Redis")
}
