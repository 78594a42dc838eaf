package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/pulsetest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// stalled is the whole range after so many bad runs.
func stalled(n int) job.LeasedRange {
	r := whole()
	r.Stalls = n
	return r
}

// letters are rows with the keys a, b and c, which both sides hold.
func (f *fixture) letters() {
	for key := byte('a'); key <= 'c'; key++ {
		f.tables.source[string(key)], f.tables.far[string(key)] = "v", "v"
	}
}

func TestRangeIsBlamedOnlyWhenTheDatabasesAreWell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail func(f *fixture)
		want job.Again
	}{
		"a row that cannot be read":  {func(f *fixture) { f.tables.bad = "b" }, job.Again{Code: "unreadable", Blamed: true}},
		"a database that is ill too": {func(f *fixture) { f.tables.away = job.ErrUnreadable }, job.Again{Code: "unreadable"}},
		"a database that is down":    {func(f *fixture) { f.tables.away = &job.DownError{Thing: "x", Err: errAway} }, job.Again{Code: "down"}},
		"any other error":            {func(f *fixture) { f.tables.away = errAway }, job.Again{Code: "compare"}},
		"a portion that was lost":    {func(f *fixture) { f.queue.ackError = job.ErrPortion }, job.Again{Code: "portion"}},
		"a redis that takes nothing": {func(f *fixture) { f.queue.ackError = &job.DownError{Thing: "x", Err: errAway} }, job.Again{Code: "down"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(waits)
				f.letters()
				c.fail(f)
				f.queue.ranges = []job.LeasedRange{whole()}
				stop := f.start(t.Context())
				time.Sleep(time.Second)
				stop()
				require.Equal(t, []string{whole().ID}, f.queue.begun)
				require.Len(t, f.queue.retried, 1)
				f.queue.retried[0].Delay = 0
				require.Equal(t, c.want, f.queue.retried[0])
			})
		})
	}
}

// A range whose lease ends without a word is blamed: a Redis that is away for longer than a lease must not do that to
// what was in work then, and the loop that waits for it is no loop that hangs.
func TestRangeInWorkIsNotBlamedForAQueueThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.letters()
		listener := &pulsetest.Listener{}
		f.c.Pulse = listener
		f.queue.leaves = &job.DownError{Thing: "redis", Err: errAway}
		f.queue.ranges = []job.LeasedRange{whole()}
		stop := f.start(t.Context())
		defer stop()
		time.Sleep(20 * lease)
		f.queue.do(func() {
			require.Empty(t, f.queue.retried)
			require.Greater(t, f.queue.refusals, 10)
			require.Empty(t, listener.Silent())
			f.queue.away = nil
		})
		time.Sleep(10 * time.Second)
		f.queue.do(func() {
			require.Equal(t, "down", f.queue.retried[0].Code)
			require.False(t, f.queue.retried[0].Blamed)
		})
	})
}

func TestRangeThatFailedAloneIsDividedAndNotRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.letters()
		f.queue.ranges = []job.LeasedRange{stalled(job.StallsSplit)}
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Empty(t, f.queue.begun)
		require.Zero(t, f.troubles)
		require.Len(t, f.queue.split, 1)
		var ids []string
		for _, p := range f.queue.split[0] {
			ids = append(ids, p.After.String()+".."+p.UpTo.String())
		}
		require.Equal(t, []string{"..a", "a..b", "b..c", "c..z"}, ids)
		require.Zero(t, f.Busy())
	})
}

func TestRangeThatCannotBeDividedIsSetAsideAndPeopleAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		r := job.LeasedRange{Range: job.Range{Scan: job.Insert, Shard: shop, After: job.KeyPoint("a"), UpTo: job.KeyPoint("b")}, Stalls: job.StallsSplit}
		r.ID = r.Range.ID()
		f.letters()
		f.queue.ranges = []job.LeasedRange{r}
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Equal(t, []string{r.ID}, f.queue.parked)
		require.Empty(t, f.queue.begun)
		require.Equal(t, 1, f.troubles)
	})
}

func TestRangeThatIsNotDividedNowIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail func(f *fixture)
		code string
	}{
		"too many ranges wait": {func(f *fixture) { f.queue.splitErr = &job.LimitError{What: "ranges", Have: 9} }, "full"},
		"a database is down":   {func(f *fixture) { f.tables.away = &job.DownError{Thing: "x", Err: errAway} }, "down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(waits)
				f.letters()
				c.fail(f)
				f.queue.ranges = []job.LeasedRange{stalled(job.StallsSplit)}
				stop := f.start(t.Context())
				time.Sleep(time.Second)
				stop()
				require.Empty(t, f.queue.split)
				require.Empty(t, f.queue.parked)
				require.Len(t, f.queue.retried, 1)
				require.Equal(t, c.code, f.queue.retried[0].Code)
				require.False(t, f.queue.retried[0].Blamed)
			})
		})
	}
}

// slowly makes every page of a range last.
type slowly struct {
	*tables
	running, most, alone int
}

func (s *slowly) Page(ctx context.Context, r job.Range, n int) (rows []diff.Row, next job.Point, more bool, err error) {
	s.do(func() {
		s.running++
		s.most = max(s.most, s.running)
		if r.Shard.Table == "suspect" {
			s.alone = max(s.alone, s.running)
		}
	})
	time.Sleep(time.Minute)
	s.do(func() { s.running-- })
	return s.tables.Page(ctx, r, n)
}

// Two suspects of two jobs and sound ranges beside them: each suspect runs with no
// other in its process, and its lease is extended while it waits for that.
func TestSuspectsRunAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slots := NewSlots(3)
		pages := &slowly{tables: &tables{source: map[string]string{}, far: map[string]string{}}}
		var fixtures []*fixture
		for range 2 {
			f := newFixture(waits)
			f.c.Slots, f.c.Source = slots, pages
			suspect := stalled(job.StallsAlone)
			suspect.Range.Shard.Table = "suspect"
			suspect.ID = suspect.Range.ID()
			f.queue.ranges = []job.LeasedRange{whole(), suspect, whole(), whole()}
			fixtures = append(fixtures, f)
		}
		var stops []func()
		for _, f := range fixtures {
			stops = append(stops, f.start(t.Context()))
		}
		time.Sleep(20 * time.Minute)
		for i, f := range fixtures {
			stops[i]()
			require.Len(t, f.queue.acked, 4)
			extended := 0
			for _, leases := range f.queue.extended {
				if _, ok := leases["insert:db.suspect:..z"]; ok {
					extended++
				}
			}
			require.Greater(t, extended, 2)
		}
		require.Equal(t, 1, pages.alone)
		require.Greater(t, pages.most, 1)
		require.NoError(t, slots.free.Acquire(t.Context(), 3), "all slots are free again")
	})
}

func TestStopWhileASuspectWaitsToBeAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.c.Slots = NewSlots(2)
		require.NoError(t, f.c.Slots.take(t.Context()))
		f.queue.ranges = []job.LeasedRange{stalled(job.StallsAlone)}
		stop := f.start(t.Context())
		time.Sleep(5 * time.Minute)
		require.Equal(t, 1, f.Busy())
		stop()
		require.Equal(t, []string{whole().ID}, f.queue.released)
		require.Empty(t, f.queue.begun)
		f.c.Slots.give()
		require.NoError(t, f.c.Slots.free.Acquire(t.Context(), 2))
	})
}
