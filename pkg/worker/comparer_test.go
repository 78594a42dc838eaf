package worker

import (
	"cmp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func whole() job.LeasedRange {
	r := job.Range{Scan: job.Insert, Shard: shop, UpTo: job.KeyPoint("z")}
	return job.LeasedRange{ID: r.ID(), Token: "r", Range: r}
}

func TestRangeIsComparedPageByPageAndItsDifferencesPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source = map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}
		f.tables.far = map[string]string{"a": "1", "c": "x", "d": "4", "extra": "6"}
		f.queue.ranges = []job.LeasedRange{whole()}
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Equal(t, []job.Difference{
			{Destination: "far", Shard: shop, Key: "b", Type: job.Missing, SourceHash: relation.Hash(row("b", "2"))},
			{Destination: "far", Shard: shop, Key: "c", Type: job.Different, SourceHash: relation.Hash(row("c", "3"))},
			{Destination: "far", Shard: shop, Key: "e", Type: job.Missing, SourceHash: relation.Hash(row("e", "5"))},
		}, f.queue.put)
		require.Equal(t, []int{1, 2, 3}, f.queue.portions)
		require.Equal(t, []job.Counts{{"ranges": 1, "rows": 5, "differences": 3}}, f.queue.acked)
		require.Equal(t, 2*3, f.tables.reads, "one query for each side of a page")
		require.Zero(t, f.Busy())
	})
}

func TestEmptyRangeIsAcked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.ranges = []job.LeasedRange{whole()}
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Equal(t, []job.Counts{{"ranges": 1, "rows": 0, "differences": 0}}, f.queue.acked)
		require.Empty(t, f.queue.portions)
	})
}

func TestRangeThatFailsIsGivenBackWithALongerWaitEachTime(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(f *fixture){
		"tables":  func(f *fixture) { f.tables.away = errAway },
		"put":     func(f *fixture) { f.queue.putError = errAway },
		"portion": func(f *fixture) { f.queue.ackError = job.ErrPortion },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(waits)
				f.tables.source["a"] = "v"
				fail(f)
				for attempts := range 8 {
					r := whole()
					r.Attempts = attempts
					f.queue.ranges = append(f.queue.ranges, r)
				}
				stop := f.start(t.Context())
				time.Sleep(time.Second)
				stop()
				require.Len(t, f.queue.retried, 8)
				// Several may be compared at once, and end in any order.
				slices.SortFunc(f.queue.retried, func(a, b job.Again) int { return cmp.Compare(a.Delay, b.Delay) })
				for n, again := range f.queue.retried {
					want := min(time.Second<<n, time.Minute)
					require.InDelta(t, want, again.Delay, float64(want)/5)
					require.False(t, again.Blamed)
				}
				require.Empty(t, f.queue.acked)
				require.Empty(t, f.queue.released)
			})
		})
	}
}

func TestLostRangeIsLeftToWhoHasIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source["a"] = "v"
		f.queue.putError = job.ErrLost
		f.queue.ranges = []job.LeasedRange{whole()}
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Empty(t, f.queue.retried)
		require.Empty(t, f.queue.released)
		require.Zero(t, f.Busy())
	})
}

func TestStopReleasesARangeAtTheNextPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source = map[string]string{"a": "1", "b": "2", "c": "3"}
		f.c.Source = slowPages{f.tables}
		f.queue.ranges = []job.LeasedRange{whole(), whole()}
		stop := f.start(t.Context())
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		stop()
		require.Less(t, time.Since(began), f.c.Grace, "the page was finished, and no other begun")
		require.Equal(t, []string{whole().ID}, f.queue.released)
		require.Len(t, f.queue.put, 2)
		require.Empty(t, f.queue.acked)
		require.Len(t, f.queue.ranges, 1)
	})
}

func TestCountsWithoutCallbacksWhereTheyAreOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		off := waits
		off.Off = true
		f := newFixture(off)
		f.tables.source["a"] = "v"
		f.queue.ranges = []job.LeasedRange{whole()}
		compared := map[string][2]int{}
		f.c.Meter.OnCompared = func(destination string, rows, differences int) {
			compared[destination] = [2]int{rows, differences}
		}
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Empty(t, f.queue.put)
		require.Equal(t, map[string][2]int{"far": {1, 1}}, compared)
		require.Equal(t, []job.Counts{{"ranges": 1, "rows": 1, "differences": 1}}, f.queue.acked)
	})
}

func TestBacklogIsToldOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.refusal = &job.LimitError{What: "callbacks", Have: 7}
		f.c.RangePoll = time.Second
		stop := f.start(t.Context())
		time.Sleep(150 * time.Second)
		stop()
		require.Equal(t, 3, f.troubles)
	})
}

func TestNearlyFullRedisIsToldOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.refusal = &job.LimitError{What: job.LimitMemory, Have: 86}
		f.c.RangePoll = time.Second
		stop := f.start(t.Context())
		time.Sleep(30 * time.Second)
		stop()
		require.Equal(t, 1, f.troubles)
	})
}
