package broker

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func (f *fixture) promote() job.Promoted {
	f.Helper()
	p, err := f.Promote(f.Context(), longestDelay)
	require.NoError(f, err)
	return p
}

func (f *fixture) takeBack() job.Reclaimed {
	f.Helper()
	r, err := f.Reclaim(f.Context())
	require.NoError(f, err)
	return r
}

func TestPromoteMovesWhatIsDueInItsOrder(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(state{
			"ranges":            {"early"},
			"ranges:retry":      {r2 + "@-1m", r1 + "@-2m", r3 + "@+60m"},
			"ranges:parked":     {"aside@-1m", "later@+40m"},
			"callbacks:confirm": {"a:2@-1m", "a:1@-2m", "a:9@+30m"},
			"callbacks:verify":  {"b:1@-1m"},
			"callbacks:retry":   {"a:3@-5m"},
			"callbacks:slow":    {"a:4@-9m", "a:gone@-1m"},
			"callback:a:1":      {"destination=a"},
			"callback:a:2":      {"destination=a"},
			"callback:a:3":      {"destination=a"},
			"callback:a:4":      {"destination=a"},
			"callback:a:9":      {"destination=a"},
			"callback:b:1":      {"destination=b"},
			"callbacks:parked":  {"a:8@-1m"},
			"ranges:leased":     {"leased@-1m"},
			"callbacks:leased":  {"leased@-1m"},
		})
		p := f.promote()
		require.Equal(f, 9, p.Moved)
		require.InDelta(f, 30*time.Minute, p.Next, float64(20*time.Second))
		f.want(state{
			"ranges":            {"aside", r2, r1, "early"},
			"ranges:retry":      {r3 + "@+60m"},
			"ranges:parked":     {"later@+40m"},
			"callbacks:a":       {"a:gone", "a:4", "a:3", "a:2", "a:1"}, // set by set, each in its order
			"callbacks:b":       {"b:1"},
			"callbacks:confirm": {"a:9@+30m"},
			"callback:a:1":      {"destination=a"},
			"callback:a:2":      {"destination=a"},
			"callback:a:3":      {"destination=a"},
			"callback:a:4":      {"destination=a"},
			"callback:a:9":      {"destination=a"},
			"callback:b:1":      {"destination=b"},
			"callbacks:parked":  {"a:8@-1m"},
			"ranges:leased":     {"leased@-1m"},
			"callbacks:leased":  {"leased@-1m"},
		})
		require.Equal(f, []string{"db.user callbacks"}, heard(), "ranges were at hand already")
	})
}

func TestPromoteTellsWhenNothingWaits(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.Negative(f, f.promote().Next)
		f.want(state{})
	})
}

// The clock stepped back: what was to wait an hour would wait a year.
func TestPromoteClampsWhatIsTooFarAway(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{
			"ranges:retry":     {r1 + "@+9000h"},
			"callbacks:slow":   {"a:1@+9000h", "a:2@+23h"},
			"callbacks:parked": {"a:3@+9000h"},
		})
		require.InDelta(f, 23*time.Hour, f.promote().Next, float64(20*time.Second))
		f.want(state{
			"ranges:retry":     {r1 + "@+1440m"},
			"callbacks:slow":   {"a:2@+1380m", "a:1@+1440m"},
			"callbacks:parked": {"a:3@+540000m"},
		})
	})
}

func TestPromoteMovesABatchAndSaysThatMoreIsDue(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{"ranges:retry": many("@-1m", promoteBatch+1)})
		require.Equal(f, job.Promoted{Moved: promoteBatch, Next: 0}, f.promote())
		require.Equal(f, job.Promoted{Moved: 1, Next: -time.Millisecond}, f.promote())
	})
}

// many is n ids, each with a suffix.
func many(suffix string, n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf("r%d%s", i, suffix)
	}
	return items
}

func TestSeveralPromotersMoveEachItemOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{"ranges:retry": many("@-1m", 1000)})
		f.together(8, func() { _, _ = f.Promote(f.Context(), longestDelay) }, 5)
		after := f.state()
		require.ElementsMatch(f, many("", 1000), after["ranges"])
		require.Len(f, after, 1)
	})
}

// together runs several loops of one step at once.
func (f *fixture) together(loops int, step func(), times int) {
	var running sync.WaitGroup
	for range loops {
		running.Go(func() {
			for range times {
				step()
			}
		})
	}
	running.Wait()
}

// reclaiming is the note of a reclaimer that ran a moment ago.
var reclaiming = state{"reclaim": {"hold=0", "last=@-1m"}}

func TestReclaimTakesBackEndedLeases(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(reclaiming.and(state{
			"ranges":           {r3},
			"ranges:leased":    {r1 + "@-1m", r2 + "@+5m"},
			"range:" + r1:      {"token=x", "worker=w1", "begun=1", "progress=3", "attempts=1"},
			"range:" + r2:      {"token=y", "worker=w1", "progress=0"},
			"callbacks:a":      {"a:1"},
			"callbacks:leased": {cb + "@-1m", "a:held@-1m", "a:gone@-1m", "a:live@+3m"},
			"callback:" + cb:   {"destination=a", "token=x", "worker=w1", "phase=retry"},
			"callback:a:held":  {"destination=a", "token=new", "hold=eva"},
			"callback:a:live":  {"destination=a", "token=z"},
		}))
		r := f.takeBack()
		require.InDelta(f, 3*time.Minute, r.Next, float64(20*time.Second))
		r.Next = 0
		require.Equal(f, job.Reclaimed{Ranges: 1, Callbacks: 1}, r)
		f.want(state{
			"reclaim":          {"hold=0", "last=@now"},
			"ranges":           {r3, r1},
			"ranges:leased":    {r2 + "@+5m"},
			"range:" + r1:      {"attempts=1", "error=stalled", "stalls=1"},
			"range:" + r2:      {"progress=0", "token=y", "worker=w1"},
			"callbacks:a":      {"a:1", cb},
			"callbacks:leased": {"a:live@+3m"},
			"callbacks:parked": {"a:held@now"},
			"callback:" + cb:   {"destination=a", "doubt=1", "phase=retry"}, // it may have been sent
			"callback:a:held":  {"destination=a", "hold=eva", "token=new"},
			"callback:a:live":  {"destination=a", "token=z"},
		})
		require.Equal(f, []string{"db.user ranges", "db.user callbacks"}, heard())
	})
}

// TestReclaimThatFoundNothingLeasedNeedNotWait: what was leased behind its look ends a
// lease later at the earliest.
func TestReclaimThatFoundNothingLeasedNeedNotWait(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.Equal(f, job.Reclaimed{Next: -time.Millisecond}, f.takeBack())
		f.want(state{"reclaim": {"hold=0", "last=@now"}})
		require.InDelta(f, 10*lease, f.raw.PTTL(f.Context(), f.keys.reclaim()).Val(), float64(time.Minute), "a job that nobody runs leaves nothing")
		leased := state{"ranges:leased": {r1 + "@+10m"}, "range:" + r1: {"token=x"}}
		f.seed(leased)
		f.pass(lease * 4 / 5)
		require.Zero(f, f.takeBack().Ranges)
		f.pass(lease/5 + time.Minute)
		require.Equal(f, 1, f.takeBack().Ranges)
	})
}

func TestReclaimWaitsALeaseAfterAGap(t *testing.T) {
	t.Parallel()
	for name, note := range map[string][]string{
		"Redis was away":                    {"hold=0", "last=@-11m"},
		"the clock stepped back":            {"hold=0", "last=@+600m"},
		"nobody reclaimed before":           nil,
		"the clock stepped while it waited": {"hold=@+600m", "last=@+590m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(f *fixture) {
				leased := state{"ranges:leased": {r1 + "@-5m"}, "range:" + r1: {"token=x"}}
				f.seed(leased.and(state{"reclaim": note}))
				replies := make(chan job.Reclaimed, 8)
				f.together(4, func() {
					if r, err := f.Reclaim(f.Context()); err == nil {
						replies <- r
					}
				}, 2)
				close(replies)
				require.Len(f, replies, 8)
				for r := range replies {
					require.InDelta(f, lease, r.Next, float64(20*time.Second))
				}
				f.want(leased.and(state{"reclaim": {"hold=@+10m", "last=@now"}}))

				// Its worker lives and extends. Two others run on while the lease passes.
				for range 3 {
					f.pass(3 * time.Minute)
					require.Zero(f, f.takeBack().Ranges)
				}
				f.pass(2 * time.Minute)
				require.Equal(f, 1, f.takeBack().Ranges)
			})
		})
	}
}

func TestSeveralReclaimersTakeEachItemOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(reclaiming.and(state{"ranges:leased": many("@-1m", 1000)}))
		f.together(8, func() { _, _ = f.Reclaim(f.Context()) }, 5)
		after := f.state()
		require.ElementsMatch(f, many("", 1000), after["ranges"])
		require.Empty(f, after["range:r999"], "none was begun")
	})
}

func TestWorkerThatCameBackAfterItsLeaseChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(reclaiming.and(leasedRange).and(leasedCallback).and(state{
			"ranges:leased": {r1 + "@-1m"}, "callbacks:leased": {cb + "@-1m"},
		}))
		f.takeBack()
		before := f.state()
		require.ErrorIs(f, f.Put(f.Context(), mine(), 1, []job.Difference{difference("1")}), job.ErrLost)
		require.ErrorIs(f, f.AckRange(f.Context(), mine(), 0, nil), job.ErrLost)
		require.ErrorIs(f, f.ReleaseRange(f.Context(), mine()), job.ErrLost)
		require.Equal(f, job.SettledLost, f.settle(job.Settlement{Callback: leased(), To: job.Closed}))
		lost, err := f.ExtendRanges(f.Context(), map[string]string{r1: "mine"})
		require.NoError(f, err)
		require.Equal(f, []string{r1}, lost)
		f.want(before)
	})
}
