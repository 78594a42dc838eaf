package broker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestDueCallbacksOfAllDestinationsAreOneQueue(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		c := f.acting()
		item := func(destination string) []string { return []string{"destination=" + destination, "key=1", "type=1"} }
		f.seed(state{
			"callbacks:a": {"a1", "a2"}, "callback:a1": item("a"), "callback:a2": item("a"),
			"callbacks:b": {"b1", "b2"}, "callback:b1": item("b"), "callback:b2": item("b"),
		})
		list := func(destination string, first, n int) (ids []string) {
			found, err := c.List(f.Context(), "due", destination, first, n)
			require.NoError(f, err)
			for _, w := range found {
				ids = append(ids, w.ID)
			}
			return ids
		}
		require.Equal(f, []string{"a2", "a1", "due", "b2", "b1"}, list("", 0, 10), "in the order in which workers take them")
		require.Equal(f, []string{"due", "b2"}, list("", 2, 2))
		require.Equal(f, []string{"b1"}, list("", 4, 2))
		require.Empty(f, list("", 5, 2))
		require.Equal(f, []string{"b1"}, list("b", 1, 2))
		require.Empty(f, list("nobody", 0, 10))
		for destination, want := range map[string]int{"": 5, "a": 3, "b": 2, "nobody": 0} {
			n, err := c.Length(f.Context(), "due", destination)
			require.NoError(f, err)
			require.Equal(f, want, n, destination)
		}
		n, err := c.Length(f.Context(), "parked", "a")
		require.NoError(f, err)
		require.Equal(f, 2, n, "places of the queue, whatever stands there")
		_, err = c.Length(f.Context(), "lost", "")
		require.ErrorContains(f, err, `there is no queue "lost" of callbacks`)
	})
}

func TestRangesAreListedInPages(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.NoError(f, f.raw.SAdd(f.Context(), f.broker.jobsKey(), f.Job()).Err())
		f.seed(state{
			"ranges":                       {"insert:db.user:20..30", "insert:db.user:10..20", "insert:db.user:..10"},
			"ranges:parked":                {"insert:db.user:40..41@+10m"},
			"range:insert:db.user:40..41":  {"stalls=3", "attempts=2", "parked=1", "error=statement_timeout"},
			"ranges:leased":                {"insert:db.user:50..60@+1m"},
			"range:insert:db.user:50..60":  {"token=t", "worker=w1"},
			"range:insert:db.user:nowhere": {"error=gone"},
		})
		list := func(queue string, first, n int) ([]job.WaitingRange, int64) {
			found, total, err := f.broker.Ranges(f.Context(), f.Job(), queue, first, n)
			require.NoError(f, err)
			return found, total
		}
		waiting, total := list("waiting", 1, 5)
		require.EqualValues(f, 3, total)
		require.Equal(f, []job.WaitingRange{
			{ID: "insert:db.user:10..20", Queue: "waiting"}, {ID: "insert:db.user:20..30", Queue: "waiting"},
		}, waiting)
		parked, total := list("parked", 0, 5)
		require.EqualValues(f, 1, total)
		require.False(f, parked[0].Due.IsZero())
		parked[0].Due = waiting[0].Due
		require.Equal(f, []job.WaitingRange{
			{ID: "insert:db.user:40..41", Queue: "parked", Attempts: 2, Stalls: 3, Parked: 1, Error: "statement_timeout"},
		}, parked)
		leased, _ := list("leased", 0, 5)
		require.Equal(f, "w1", leased[0].Worker)
		none, total := list("retry", 0, 5)
		require.Empty(f, none)
		require.Zero(f, total)
		_, _, err := f.broker.Ranges(f.Context(), f.Job(), "lost", 0, 1)
		require.ErrorContains(f, err, `there is no queue "lost" of ranges; want one of waiting, leased`)
		_, _, err = f.broker.Ranges(f.Context(), "nobody", "parked", 0, 1)
		require.ErrorIs(f, err, ErrRefused)
	})
}
