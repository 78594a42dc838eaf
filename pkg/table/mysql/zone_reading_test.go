package mysql

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAReadingOfTheClockIsUsedForAMomentOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r reading
		_, ok := r.recent()
		require.False(t, ok, "nothing was read yet")

		asked, server := time.Now(), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		time.Sleep(recently / 2) // the answer takes its time: the reading is as old as the question
		r.note(asked, server)
		r.note(asked.Add(-time.Second), server.Add(-time.Hour)) // an older one that came late
		now, ok := r.recent()
		require.True(t, ok)
		require.Equal(t, server, now)
		time.Sleep(recently / 2)
		_, ok = r.recent()
		require.False(t, ok)
	})
}
