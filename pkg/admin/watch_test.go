package admin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// after is a look at a job that was seen to compare so many rows.
func after(start time.Time, seconds int, rows int64) Overview {
	return Overview{
		At: start.Add(time.Duration(seconds) * time.Second),
		Jobs: []Job{{State: job.State{
			Open: 3,
			Name: "users", Stats: map[string]int64{"rows": rows}, Lag: map[string]int64{"insert:db.user": 7, "insert-late:db.user": 9, "update:db.user": 4},
		}}},
	}
}

func TestRatesAreTakenOverSomeSeconds(t *testing.T) {
	t.Parallel()
	w, start := newWatch(nil), time.Now()
	rate := func(seconds int, rows int64) float64 {
		return w.remember(after(start, seconds, rows)).Jobs[0].RowsPerSecond
	}
	require.Zero(t, rate(0, 1000), "nothing to compare with")
	require.InDelta(t, 500, rate(2, 2000), .1)
	require.InDelta(t, 500, rate(4, 3000), .1)
	require.InDelta(t, 1000./3, rate(6, 3000), .1, "since the start")
	require.InDelta(t, 1000./6, rate(8, 3000), .1, "since six seconds ago")
	require.Zero(t, rate(10, 10), "the counters began anew")
	require.Len(t, w.recent, 4, "older ones are forgotten")
}

func TestAChartHoldsTheLastHour(t *testing.T) {
	t.Parallel()
	w, start := newWatch(nil), time.Now()
	for seconds := 0; seconds <= 2*3600; seconds += 2 {
		w.remember(after(start, seconds, int64(seconds)*100))
	}
	points := w.chart("")
	require.Len(t, points, 360)
	last := points[len(points)-1]
	require.InDelta(t, 100, last.RowsPerSecond, .1)
	require.EqualValues(t, 3, last.Open)
	require.EqualValues(t, 9, last.LagIDs)
	require.EqualValues(t, 4, last.LagSeconds)
	require.Equal(t, start.Add(2*time.Hour), last.At)
	require.Equal(t, points, w.chart("users"))
	require.Zero(t, w.chart("others")[5].Open)
	require.Empty(t, newWatch(nil).chart(""))
}
