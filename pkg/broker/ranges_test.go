package broker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

const r1, r2, r3 = "insert:db.user:..1", "insert:db.user:1..2", "insert:db.user:2..3"

// leasedRange is a range that is leased under the token "mine".
var leasedRange = state{
	"ranges:leased": {r1 + "@+5m"},
	"range:" + r1:   {"token=mine", "worker=w1", "progress=0"},
}

func mine() job.LeasedRange { return job.LeasedRange{ID: r1, Token: "mine"} }

func TestFetchLeasesTheOldestRanges(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{
			"ranges":      {r3, r2, r1},
			"range:" + r2: {"stalls=2", "attempts=3", "parked=1", "error=timeout", "begun=1"},
		})
		leased, err := f.FetchRanges(f.Context(), "w1", 2)
		require.NoError(f, err)
		require.Len(f, leased, 2)
		require.Equal(f, job.LeasedRange{ID: r1, Range: insertRange("", "1"), Token: leased[0].Token}, leased[0])
		require.Equal(f, job.LeasedRange{ID: r2, Range: insertRange("1", "2"), Token: leased[1].Token, Stalls: 2, Attempts: 3, Parked: 1}, leased[1])
		f.want(state{
			"ranges":        {r3},
			"ranges:leased": {r1 + "@+10m", r2 + "@+10m"},
			"range:" + r1:   {"progress=0", "token=*", "worker=w1"},
			"range:" + r2:   {"attempts=3", "error=timeout", "parked=1", "progress=0", "stalls=2", "token=*", "worker=w1"},
		})

		left, err := f.FetchRanges(f.Context(), "w2", 5)
		require.NoError(f, err)
		require.Len(f, left, 1)
		none, err := f.FetchRanges(f.Context(), "w2", 5)
		require.NoError(f, err)
		require.Empty(f, none)
		require.NotContains(f, f.state(), "ranges")
	})
}

func TestEachFetchHasATokenOfItsOwn(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{"ranges": {r2, r1}})
		both, err := f.FetchRanges(f.Context(), "w1", 2)
		require.NoError(f, err)
		require.NotEqual(f, both[0].Token, both[1].Token)
		require.NoError(f, f.ReleaseRange(f.Context(), both[0]))
		again := f.fetchRange()
		require.Equal(f, both[0].ID, again.ID)
		require.NotEqual(f, both[0].Token, again.Token)
		require.ErrorIs(f, f.AckRange(f.Context(), both[0], 0, nil), job.ErrLost)
		require.NoError(f, f.AckRange(f.Context(), again, 0, nil))
	})
}

func TestFetchRangesIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		work := state{"ranges": {r1}}
		f.seed(work)
		for want, q := range map[job.SpecError]*Queue{
			{Job: "db.user", Field: "identity", Mine: "other.user by id", Found: "db.user by id"}: f.queue(func(c *QueueConfig) { c.Spec.Identity = "other.user by id" }),
			{Job: "db.user", Field: "details", Mine: "columns-2", Found: "columns-1"}:             f.queue(func(c *QueueConfig) { c.Spec.Details = "columns-2" }),
		} {
			_, err := q.FetchRanges(f.Context(), "w1", 1)
			var other *job.SpecError
			require.ErrorAs(f, err, &other)
			require.Equal(f, &want, other)
			_, err = q.FetchCallbacks(f.Context(), "a", "w1", 1)
			require.ErrorAs(f, err, &other)
			require.Equal(f, &want, other)
		}
		f.want(work)

		full := work.and(state{"callbacks:confirm": {"1@now", "2@now"}, "callbacks:b": {"3", "4", "5"}})
		f.seed(full.and(state{"ranges": nil}))
		_, err := f.FetchRanges(f.Context(), "w1", 1)
		var limit *job.LimitError
		require.ErrorAs(f, err, &limit)
		require.Equal(f, &job.LimitError{What: "callbacks", Have: 5}, limit)
		f.want(full)

		f.seed(state{"paused": {"by=eva", "why=move"}})
		_, err = f.FetchRanges(f.Context(), "w1", 1)
		require.ErrorIs(f, err, job.ErrPaused)
		_, err = f.FetchCallbacks(f.Context(), "b", "w1", 1)
		require.ErrorIs(f, err, job.ErrPaused)
		f.want(full.and(state{"paused": {"by=eva", "why=move"}}))
	})
}

func TestFetchOfAJobThatNobodyRegisteredGivesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.NoError(f, f.raw.Del(f.Context(), f.keys.spec()).Err())
		work := state{"ranges": {r1}, "callbacks:a": {"a:1"}, "callback:a:1": {"destination=a"}}
		f.seed(work)
		ranges, err := f.FetchRanges(f.Context(), "w1", 1)
		require.NoError(f, err)
		require.Empty(f, ranges)
		callbacks, err := f.FetchCallbacks(f.Context(), "a", "w1", 1)
		require.NoError(f, err)
		require.Empty(f, callbacks)
		f.want(work)
	})
}

func TestRangeThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{"ranges": {r2, "by hand", r1}})
		leased, err := f.FetchRanges(f.Context(), "w1", 3)
		require.ErrorContains(f, err, `range "by hand"`)
		require.Len(f, leased, 2)
		require.Len(f, f.state()["ranges:leased"], 3, "it is not lost")
	})
}

func TestPutOpensCallbacksAndExtendsTheLease(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedRange.and(state{"callback:a:db.user:2": {"destination=a", "seen=4", "hash=old"}}))
		require.NoError(f, f.Put(f.Context(), mine(), 1, []job.Difference{difference("1"), difference("2")}))
		want := state{
			"ranges:leased":        {r1 + "@+10m"},
			"range:" + r1:          {"progress=1", "token=mine", "worker=w1"},
			"callback:a:db.user:2": {"destination=a", "hash=old", "seen=5"}, // lives, whatever it waits for
			"callback:a:db.user:1": {"attempts=0", "destination=a", "first_seen=@now", "hash=h1", "key=1", "phase=confirm", "seen=1", "shard=db.user", "type=1", "webhook=*"},
			"callbacks:confirm":    {"a:db.user:1@+20m"},
		}
		f.want(want)
		require.Equal(f, []string{"db.user due"}, heard())

		require.NoError(f, f.Put(f.Context(), mine(), 1, []job.Difference{difference("1"), difference("2")}), "repeated after a lost reply")
		f.want(want)
		require.Empty(f, heard())

		require.NoError(f, f.Put(f.Context(), mine(), 2, []job.Difference{difference("3")}))
		require.Equal(f, []string{"a:db.user:1@+20m", "a:db.user:3@+20m"}, f.state()["callbacks:confirm"])
		require.Empty(f, heard(), "nothing is due earlier than before")
		require.NoError(f, f.AckRange(f.Context(), mine(), 2, nil))
	})
}

func TestPutUnderALostLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedRange)
		before := f.state()
		other := job.LeasedRange{ID: r1, Token: "yours"}
		require.ErrorIs(f, f.Put(f.Context(), other, 1, []job.Difference{difference("1")}), job.ErrLost)
		require.ErrorIs(f, f.Put(f.Context(), job.LeasedRange{ID: r2, Token: "mine"}, 1, []job.Difference{difference("1")}), job.ErrLost)
		f.want(before)
	})
}

func TestPutAgainNeedsNoRange(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		require.NoError(f, f.PutAgain(f.Context(), []job.Difference{difference("1")}))
		require.NoError(f, f.PutAgain(f.Context(), []job.Difference{difference("1")}))
		f.want(state{
			"callback:a:db.user:1": {"attempts=0", "destination=a", "first_seen=@now", "hash=h1", "key=1", "phase=confirm", "seen=2", "shard=db.user", "type=1", "webhook=*"},
			"callbacks:confirm":    {"a:db.user:1@+20m"},
		})
		require.Equal(f, []string{"db.user due"}, heard())
	})
}

func TestAckEndsARangeAndCounts(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedRange.and(state{"ranges": {r2}, "stats": {"rows=5"}}))
		require.NoError(f, f.AckRange(f.Context(), mine(), 0, job.Counts{"rows": 7, "ranges": 1}))
		want := state{"ranges": {r2}, "stats": {"ranges=1", "rows=12"}, "stats:day": {"ranges=1", "rows=7"}}
		f.want(want)
		require.InDelta(f, counterLife, f.raw.TTL(f.Context(), f.keys.day(time.Now())).Val(), float64(time.Hour))

		require.ErrorIs(f, f.AckRange(f.Context(), mine(), 0, job.Counts{"rows": 7}), job.ErrLost, "repeated after a lost reply")
		f.want(want)
		stats, err := f.Stats(f.Context())
		require.NoError(f, err)
		require.Equal(f, map[string]int64{"ranges": 1, "rows": 12}, stats)
	})
}

// A failover to a replica that had not yet seen the last put.
func TestAckFindsThatAPutWasLost(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{"ranges": {r1}})
		r := f.fetchRange()
		require.NoError(f, f.Put(f.Context(), r, 1, []job.Difference{difference("1")}))
		older := f.raw.HGetAll(f.Context(), f.keys.rangeItem(r1)).Val()
		require.NoError(f, f.Put(f.Context(), r, 2, []job.Difference{difference("2")}))
		require.NoError(f, f.raw.HSet(f.Context(), f.keys.rangeItem(r1), older).Err())
		require.NoError(f, f.raw.ZRem(f.Context(), f.keys.confirm(), "a:db.user:2").Err())
		require.NoError(f, f.raw.Del(f.Context(), f.keys.callbackPrefix()+"a:db.user:2").Err())

		before := f.state()
		require.ErrorIs(f, f.AckRange(f.Context(), r, 2, job.Counts{"rows": 1}), job.ErrPortion)
		f.want(before)
		require.NoError(f, f.RetryRange(f.Context(), r, job.Again{Delay: time.Minute, Code: "portion"}), "it is compared again")
	})
}

// A put that raised the mark over the portion that was lost would let the ack pass.
func TestPutFindsThatTheOneBeforeWasLost(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedRange.and(state{"range:" + r1: {"progress=1", "token=mine", "worker=w1"}}))
		before := f.state()
		require.ErrorIs(f, f.Put(f.Context(), mine(), 3, []job.Difference{difference("3")}), job.ErrPortion)
		f.want(before)
	})
}

func TestReleasedRangeIsNext(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedRange.and(state{"ranges": {r3, r2}, "range:" + r1: {"token=mine", "worker=w1", "progress=3", "attempts=1"}}))
		require.NoError(f, f.ReleaseRange(f.Context(), mine()))
		want := state{"ranges": {r3, r2, r1}, "range:" + r1: {"attempts=1"}}
		f.want(want)
		require.Equal(f, []string{"db.user ranges"}, heard())
		require.ErrorIs(f, f.ReleaseRange(f.Context(), mine()), job.ErrLost, "repeated after a lost reply")
		f.want(want)
		require.Equal(f, r1, f.fetchRange().ID)
	})
}

func TestRetriedRangeWaitsAndCountsTheAttempt(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedRange.and(state{"ranges:retry": {r2 + "@+60m"}}))
		require.NoError(f, f.RetryRange(f.Context(), mine(), job.Again{Delay: 30 * time.Minute, Code: "timeout"}))
		want := state{"ranges:retry": {r1 + "@+30m", r2 + "@+60m"}, "range:" + r1: {"attempts=1", "error=timeout"}}
		f.want(want)
		require.Equal(f, []string{"db.user due"}, heard())
		require.ErrorIs(f, f.RetryRange(f.Context(), mine(), job.Again{Delay: 30 * time.Minute, Code: "timeout"}), job.ErrLost)
		f.want(want)
	})
}

func TestRetryWithoutADelayStillCountsTheAttempt(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedRange)
		require.NoError(f, f.RetryRange(f.Context(), mine(), job.Again{Code: "timeout"}))
		f.want(state{"ranges:retry": {r1 + "@now"}, "range:" + r1: {"attempts=1", "error=timeout"}})
	})
}

func TestExtendTellsWhatIsLostAndBringsNothingBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedRange.and(state{
			"ranges:leased": {r1 + "@+1m", r2 + "@+2m"},
			"range:" + r2:   {"token=yours"},
			"range:" + r3:   {"token=mine"}, // acked or reclaimed since
		}))
		lost, err := f.ExtendRanges(f.Context(), map[string]string{r1: "mine", r2: "mine", r3: "mine", "gone": "mine"})
		require.NoError(f, err)
		require.ElementsMatch(f, []string{r2, r3, "gone"}, lost)
		require.Equal(f, []string{r2 + "@+2m", r1 + "@+10m"}, f.state()["ranges:leased"])

		f.seed(state{"callbacks:leased": {"a:1@+1m"}, "callback:a:1": {"token=mine"}})
		lost, err = f.ExtendCallbacks(f.Context(), map[string]string{"a:1": "mine", "a:2": "mine"})
		require.NoError(f, err)
		require.Equal(f, []string{"a:2"}, lost)
		require.Equal(f, []string{"a:1@+10m"}, f.state()["callbacks:leased"])

		lost, err = f.ExtendRanges(canceled(f), nil)
		require.NoError(f, err, "nothing to extend asks nobody")
		require.Empty(f, lost)
	})
}
