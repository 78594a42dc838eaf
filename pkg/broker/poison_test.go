package broker

import (
	"cmp"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// wide is a leased range that can be divided; halves are its parts.
func wide() job.LeasedRange {
	r := insertRange("10", "20")
	return job.LeasedRange{ID: r.ID(), Range: r, Token: "mine"}
}

func halves() []job.Range { return []job.Range{insertRange("10", "15"), insertRange("15", "20")} }

var leasedWide = state{
	"ranges:leased":               {"insert:db.user:10..20@+5m"},
	"range:insert:db.user:10..20": {"token=mine", "worker=w1", "begun=1", "progress=0", "stalls=3", "attempts=2"},
}

func TestBeginNotesTheRunAndBeginsTheLeaseAnew(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedRange.and(state{"ranges:leased": {r1 + "@+1m"}}))
		require.NoError(f, f.BeginRange(f.Context(), mine()))
		require.NoError(f, f.BeginRange(f.Context(), mine()), "repeated after a lost reply")
		want := state{"ranges:leased": {r1 + "@+10m"}, "range:" + r1: {"begun=1", "progress=0", "token=mine", "worker=w1"}}
		f.want(want)
		require.ErrorIs(f, f.BeginRange(f.Context(), job.LeasedRange{ID: r1, Token: "yours"}), job.ErrLost)
		require.ErrorIs(f, f.BeginRange(f.Context(), job.LeasedRange{ID: r2, Token: "mine"}), job.ErrLost)
		f.want(want)
	})
}

// A worker that was killed, or whose fetch got no answer, says nothing about a range that it had not begun.
func TestOnlyARangeThatWasBegunIsBlamed(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{"ranges": {r2, r1}})
		begun, fetched := f.fetchRange(), f.fetchRange()
		require.NoError(f, f.BeginRange(f.Context(), begun))
		for range 3 { // the first look of a reclaimer only notes the time
			f.takeBack()
			f.pass(lease/2 + time.Minute)
		}
		after := f.state()
		require.ElementsMatch(f, []string{begun.ID, fetched.ID}, after["ranges"])
		require.Equal(f, []string{"error=stalled", "stalls=1"}, after["range:"+begun.ID])
		require.NotContains(f, after, "range:"+fetched.ID)
	})
}

// What may kill its workers lets all others go first.
func TestRangeThatStalledTwiceGoesToTheEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		for stalls, want := range [][]string{{r3, r1}, {r1, r3}, {r1, r3}} {
			f.seed(reclaiming.and(state{
				"ranges": {r3}, "ranges:leased": {r1 + "@-1m"}, "range:" + r1: {"token=x", "begun=1", "stalls=" + strconv.Itoa(stalls)},
			}))
			require.Equal(f, job.Reclaimed{Ranges: 1, Next: -time.Millisecond}, f.takeBack())
			after := f.state()
			require.Equal(f, want, after["ranges"])
			require.Equal(f, []string{"error=stalled", fmt.Sprintf("stalls=%d", stalls+1)}, after["range:"+r1])
			require.NoError(f, f.raw.Del(f.Context(), f.keys.ranges()).Err())
		}
	})
}

func TestRangeIsBlamedForAFailureWhileItsDatabasesAreWell(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedRange.and(state{"range:" + r1: {"token=mine", "begun=1", "stalls=1", "attempts=1"}}))
		require.NoError(f, f.RetryRange(f.Context(), mine(), job.Again{Delay: time.Minute, Code: "unreadable", Blamed: true}))
		f.want(state{"ranges:retry": {r1 + "@+1m"}, "range:" + r1: {"attempts=2", "error=unreadable", "stalls=2"}})
	})
}

func TestSplitPutsThePartsInThePlaceOfTheRange(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedWide.and(state{"ranges": {r1}}))
		require.NoError(f, f.SplitRange(f.Context(), wide(), halves()))
		want := state{
			"ranges":                      {"insert:db.user:15..20", "insert:db.user:10..15", r1},
			"range:insert:db.user:10..15": {"stalls=2"}, "range:insert:db.user:15..20": {"stalls=2"},
		}
		f.want(want)
		require.Equal(f, []string{"db.user ranges"}, heard())
		require.ErrorIs(f, f.SplitRange(f.Context(), wide(), halves()), job.ErrLost, "repeated after a lost reply")
		require.ErrorIs(f, f.AckRange(f.Context(), wide(), 0, nil), job.ErrLost)
		f.want(want)
	})
}

// TestARangeKeepsItsAge: whatever becomes of it, and its parts, the time since when it waits is that of its claim.
func TestARangeKeepsItsAge(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.NoError(f, f.Push(f.Context(), []job.Range{insertRange("10", "20")}))
		claimed := f.raw.HGet(f.Context(), f.keys.rangeItem(wide().ID), "since").Val()
		require.NotEmpty(f, claimed)
		take := func() job.LeasedRange {
			f.Helper()
			leased, err := f.FetchRanges(f.Context(), "w1", 1)
			require.NoError(f, err)
			require.Len(f, leased, 1)
			return leased[0]
		}
		waits := func(queue string) {
			f.Helper()
			found, _, err := f.broker.Ranges(f.Context(), f.Job(), queue, 0, 10)
			require.NoError(f, err)
			require.NotEmpty(f, found)
			for _, r := range found {
				require.Equal(f, claimed, strconv.FormatInt(r.Since.UnixMilli(), 10), queue)
			}
			states, err := f.broker.Jobs(f.Context())
			require.NoError(f, err)
			name := map[string]string{"waiting": "ranges"}[queue]
			require.Equal(f, found[0].Since, states[0].Heads[cmp.Or(name, "ranges:"+queue)].Since, queue)
		}
		require.NoError(f, f.raw.SAdd(f.Context(), f.broker.jobsKey(), f.Job()).Err())
		require.NoError(f, f.raw.HSet(f.Context(), f.keys.spec(), "destinations", "a b").Err())
		waits("waiting")
		r := take()
		waits("leased")
		require.NoError(f, f.RetryRange(f.Context(), r, job.Again{Code: "unreadable"}))
		waits("retry")
		require.NoError(f, f.raw.ZAdd(f.Context(), f.keys.rangesRetry(), redis.Z{Member: r.ID}).Err()) // due now
		_, err := f.Promote(f.Context(), longestDelay)
		require.NoError(f, err)
		waits("waiting")
		require.NoError(f, f.ReleaseRange(f.Context(), take()))
		waits("waiting")
		require.NoError(f, f.SplitRange(f.Context(), take(), halves()))
		waits("waiting")
		r = take()
		require.NoError(f, f.AckRange(f.Context(), r, 0, nil))
		require.Zero(f, f.raw.Exists(f.Context(), f.keys.rangeItem(r.ID)).Val(), "nothing is left of one that is done")
	})
}

func TestSplitIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedWide.and(state{"ranges": {"a", "b", "c", "d"}}))
		before := f.state()
		var limit *job.LimitError
		require.ErrorAs(f, f.SplitRange(f.Context(), wide(), halves()), &limit)
		require.Equal(f, "ranges", limit.What)
		stranger := wide()
		stranger.Token = "yours"
		require.ErrorIs(f, f.SplitRange(f.Context(), stranger, halves()), job.ErrLost)
		for name, parts := range map[string][]job.Range{
			"none": nil, "one": {wide().Range}, "a gap in front": {insertRange("11", "15"), insertRange("15", "20")},
			"a gap behind": {insertRange("10", "15"), insertRange("15", "19")},
			"a gap within": {insertRange("10", "14"), insertRange("15", "20")}, "an overlap": {insertRange("10", "16"), insertRange("15", "20")},
		} {
			require.ErrorContains(f, f.SplitRange(f.Context(), wide(), parts), "do not cover it", name)
		}
		f.want(before)
	})
}

// The process dies, or its connection, at any place of the split: whole or in parts, never both or neither.
func TestSplitWhoseReplyIsLostIsDone(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		w := newWire(f, f.addr)
		cut := *f
		cut.broker = open(f, w.addr(), f.prefix)
		q := cut.queue(nil)
		f.seed(leasedWide)
		require.NoError(f, q.BeginRange(f.Context(), wide()))
		require.ErrorIs(f, q.SplitRange(f.Context(), job.LeasedRange{ID: wide().ID, Range: wide().Range, Token: "yours"}, halves()), job.ErrLost, "the script is known from here on")
		w.cutNextReply()
		require.ErrorIs(f, q.SplitRange(f.Context(), wide(), halves()), job.ErrLost)
		require.Positive(f, w.cuts.Load())
		require.Equal(f, []string{"insert:db.user:15..20", "insert:db.user:10..15"}, f.state()["ranges"])
		require.NotContains(f, f.state(), "ranges:leased")
	})
}

func TestParkedRangeIsTriedAgainMoreAndMoreRarely(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedRange.and(state{"range:" + r1: {"token=mine", "begun=1", "stalls=3", "attempts=4", "error=stalled"}}))
		since := "now" // people are told of it until it is done
		passed := 0
		for times, wait := range []int{10, 20, 40, 60, 60} {
			require.NoError(f, f.ParkRange(f.Context(), mine(), ""))
			want := state{
				"ranges:parked":   {fmt.Sprintf("%s@+%dm", r1, wait)},
				"range:" + r1:     {"attempts=4", "error=stalled", fmt.Sprintf("parked=%d", times+1), "stalls=2"},
				"trouble:stalled": {r1 + "@" + since},
			}
			f.want(want)
			require.Equal(f, []string{"db.user due"}, heard())
			require.ErrorIs(f, f.ParkRange(f.Context(), mine(), ""), job.ErrLost, "repeated after a lost reply")
			f.want(want)

			f.pass(time.Duration(wait+1) * time.Minute)
			passed += wait + 1
			since = fmt.Sprintf("-%dm", passed)
			require.Equal(f, 1, f.promote().Moved)
			require.Equal(f, []string{"db.user ranges"}, heard())
			r := f.fetchRange()
			require.Equal(f, []int{2, times + 1}, []int{r.Stalls, r.Parked}, "it runs alone")
			require.NoError(f, f.raw.HSet(f.Context(), f.keys.rangeItem(r1), "token", "mine").Err())
		}
		require.NoError(f, f.ParkRange(f.Context(), mine(), "unreadable"))
		require.Contains(f, f.state()["range:"+r1], "error=unreadable")

		moved, err := f.UnparkRanges(f.Context())
		require.NoError(f, err)
		require.Equal(f, 1, moved)
		require.Contains(f, f.state(), "trouble:stalled")
		require.NoError(f, f.AckRange(f.Context(), f.fetchRange(), 0, nil))
		require.NotContains(f, f.state(), "trouble:stalled", "done, also in the eyes of people")
	})
}

func TestUnparkedRangesAreDueNow(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(state{
			"ranges": {"early"}, "ranges:parked": {r1 + "@+10m", r2 + "@+20m", r3 + "@+30m"},
			"range:" + r1: {"stalls=2", "parked=4", "error=unreadable"},
		})
		parked, err := f.ParkedRanges(f.Context(), 2)
		require.NoError(f, err)
		require.Len(f, parked, 2)
		require.InDelta(f, f.now()+(10*time.Minute).Milliseconds(), parked[0].Due.UnixMilli(), 20_000)
		parked[0].Due, parked[1].Due = time.Time{}, time.Time{}
		require.Equal(f, []job.ParkedRange{{ID: r1, Times: 4, Error: "unreadable"}, {ID: r2}}, parked)

		moved, err := f.UnparkRanges(f.Context(), r2, "unknown")
		require.NoError(f, err)
		require.Equal(f, 1, moved)
		require.Equal(f, []string{"db.user ranges"}, heard())
		moved, err = f.UnparkRanges(f.Context(), "unknown")
		require.NoError(f, err)
		require.Zero(f, moved)
		require.Empty(f, heard())
		moved, err = f.UnparkRanges(f.Context())
		require.NoError(f, err)
		require.Equal(f, 2, moved)
		f.want(state{"ranges": {r3, r1, r2, "early"}, "range:" + r1: {"error=unreadable", "parked=4", "stalls=2"}})

		_, err = f.UnparkRanges(f.Context(), many("", upkeepBatch+1)...)
		require.ErrorContains(f, err, "at most 100")
	})
}
