package broker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// The callback that most tests settle: read unequal, sent once before, leased.
const cb = "a:db.user:7"

var leasedCallback = state{
	"callbacks:leased": {cb + "@+5m"},
	"callback:" + cb: {
		"destination=a", "shard=db.user", "key=7", "type=1", "hash=h7", "webhook=wh", "phase=confirm",
		"seen=2", "attempts=0", "first_seen=@-30m", "token=mine", "worker=w1",
	},
}

func leased() job.LeasedCallback {
	return job.LeasedCallback{
		ID: cb, Token: "mine", Destination: "a", Shard: shard(), Key: "7", Type: job.Different,
		SourceHash: "h8", WebhookID: "wh", Phase: job.Confirm, Seen: "2",
	}
}

// kept is the hash of leased() after it was settled to a phase.
func kept(phase string, more ...string) []string {
	fields := append([]string{
		"destination=a", "shard=db.user", "key=7", "type=2", "hash=h8", "webhook=wh", "phase=" + phase,
		"seen=2", "attempts=0", "first_seen=@-30m",
	}, more...)
	return sorted(fields)
}

func TestFetchLeasesTheOldestCallbacks(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		waiting := []string{
			"destination=a", "shard=db.user", "key=7", "type=1", "hash=h7", "webhook=wh", "phase=confirm", "seen=2", "attempts=x",
			"first_seen=@-30m", "hot_since=@-3m", "posted=1", "doubt=1", "status=503", "error=http_503",
		}
		f.seed(state{
			"callbacks:a":          {"a:db.user:8", cb, "a:db.user:6"},
			"callbacks:b":          {"b:db.user:1"},
			"callback:" + cb:       waiting,
			"callback:a:db.user:6": {"destination=a", "shard=db.user", "key=6"},
			"callback:a:db.user:8": {"destination=a", "shard=db.user"},
			"callback:b:db.user:1": {"destination=b", "shard=db.user"},
		})
		got, err := f.FetchCallbacks(f.Context(), "a", "w1", 2)
		require.NoError(f, err)
		require.Len(f, got, 2)
		require.Equal(f, job.CallbackID("a:db.user:6"), got[0].ID)
		require.Equal(f, got[0].Token, got[1].Token, "one for a fetch")

		c := got[1]
		now := time.UnixMilli(f.now())
		require.WithinDuration(f, now, c.LeasedAt, 20*time.Second)
		require.WithinDuration(f, now.Add(-30*time.Minute), c.FirstSeen, 20*time.Second)
		require.WithinDuration(f, now.Add(-3*time.Minute), c.HotSince, 20*time.Second)
		require.Equal(f, "h7", stored(c, "hash"))
		c.LeasedAt, c.FirstSeen, c.HotSince, c.Stored = time.Time{}, time.Time{}, time.Time{}, ""
		require.Equal(f, job.LeasedCallback{
			ID: cb, Token: c.Token, Destination: "a", Shard: shard(), Key: "7", Type: job.Missing, SourceHash: "h7",
			WebhookID: "wh", Phase: job.Confirm, Seen: "2", Posted: true, Doubt: true, Status: "503", Error: "http_503",
		}, c, "a number that cannot be read is zero")

		after := f.state()
		require.Equal(f, []string{"a:db.user:8"}, after["callbacks:a"])
		require.Equal(f, []string{"b:db.user:1"}, after["callbacks:b"])
		require.Equal(f, []string{"a:db.user:6@+10m", cb + "@+10m"}, after["callbacks:leased"])
		require.Equal(f, []string{"destination=a", "key=6", "shard=db.user", "token=*", "worker=w1"}, after["callback:a:db.user:6"])
	})
}

// TestKeyOfAnyBytesIsLeasedAsItIs: a binary scan key may hold what divides the fields of a reply.
func TestKeyOfAnyBytesIsLeasedAsItIs(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		key := "key\x00\x00shard\x00\r\n\xff"
		f.seed(state{"callbacks:a": {"a:odd"}, "callback:a:odd": {"destination=a", "key=" + key, "shard=db.user", "seen=3"}})
		c := f.fetchCallback()
		require.Equal(f, key, c.Key)
		require.Equal(f, shard(), c.Shard)
		require.Equal(f, "3", c.Seen)
	})
}

func TestFetchParksWhatIsHeldAndForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{
			"callbacks:a":             {cb, "a:db.user:gone", "a:db.user:held"},
			"callback:" + cb:          {"destination=a", "shard=db.user"},
			"callback:a:db.user:held": {"destination=a", "shard=db.user", "hold=eva"},
		})
		got, err := f.FetchCallbacks(f.Context(), "a", "w1", 3)
		require.NoError(f, err)
		require.Len(f, got, 1)
		f.want(state{
			"callbacks:leased":        {cb + "@+10m"},
			"callbacks:parked":        {"a:db.user:held@now"},
			"callback:" + cb:          {"destination=a", "shard=db.user", "token=*", "worker=w1"},
			"callback:a:db.user:held": {"destination=a", "hold=eva", "shard=db.user"},
		})
	})
}

func TestCallbackThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{
			"callbacks:a": {cb, "a:odd"}, "callback:a:odd": {"destination=a"}, "callback:" + cb: {"destination=a", "shard=db.user"},
		})
		got, err := f.FetchCallbacks(f.Context(), "a", "w1", 2)
		require.ErrorContains(f, err, "callback a:odd")
		require.Len(f, got, 1)
		require.Len(f, f.state()["callbacks:leased"], 2, "it is not lost")
	})
}

func TestSettleMovesACallbackToItsPhase(t *testing.T) {
	t.Parallel()
	for _, phase := range []job.Phase{job.Confirm, job.Verify, job.Retry, job.Slow, job.Parked} {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			onEach(t, func(f *fixture) {
				heard := f.hints()
				f.seed(leasedCallback)
				c := leased()
				c.Attempts, c.Posted, c.Doubt, c.HotSince, c.Status, c.Error = 3, true, true, time.UnixMilli(f.now()), "503", "http_503"
				require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: c, To: phase, Delay: 40 * time.Minute, Counters: "posts posts_failed"}))
				item := kept(string(phase), "posted=1", "doubt=1", "hot_since=@now", "status=503", "error=http_503")
				want := state{
					"callbacks:" + string(phase): {cb + "@+40m"},
					"callback:" + cb:             replace(item, "attempts=0", "attempts=3"),
					"stats":                      {"posts=1", "posts_failed=1"},
					"stats:day":                  {"posts=1", "posts_failed=1"},
				}
				f.want(want)
				require.Equal(f, []string{"db.user due"}, heard())

				require.Equal(f, job.SettledLost, f.settle(job.Settlement{Callback: c, To: phase, Delay: time.Hour, Counters: "posts"}), "repeated after a lost reply")
				f.want(want)
				require.Empty(f, heard())
			})
		})
	}
}

func TestSettleRemovesWhatIsEmpty(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedCallback.and(state{"callback:" + cb: append(leasedCallback["callback:"+cb], "posted=1", "doubt=1", "hot_since=@-1m", "status=500", "error=http_500")}))
		require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: leased(), To: job.Retry, Delay: time.Hour}))
		f.want(state{"callbacks:retry": {cb + "@+60m"}, "callback:" + cb: kept("retry")})
	})
}

func TestSettleClosesAndCountsOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedCallback)
		closing := job.Settlement{Callback: leased(), To: job.Closed, Counters: "closed_equal"}
		require.Equal(f, job.SettledOK, f.settle(closing))
		require.Equal(f, job.SettledLost, f.settle(closing))
		f.want(state{"stats": {"closed_equal=1"}, "stats:day": {"closed_equal=1"}})
		require.InDelta(f, counterLife, f.raw.TTL(f.Context(), f.keys.day(time.Now())).Val(), float64(time.Hour))
		require.Empty(f, heard())
	})
}

func TestCallbackThatWasSeenAgainIsNotClosed(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedCallback.and(state{"callback:" + cb: append(leasedCallback["callback:"+cb], "posted=1", "hot_since=@-1m", "doubt=1", "attempts=2")}))
		require.NoError(f, f.PutAgain(f.Context(), []job.Difference{difference("7")}))
		require.Equal(f, job.SettledAgain, f.settle(job.Settlement{Callback: leased(), To: job.Closed, Counters: "closed_equal"}))
		f.want(state{
			"callbacks:confirm": {cb + "@+20m"},
			"callback:" + cb: {
				"attempts=0", "destination=a", "doubt=1", "first_seen=@-30m", "hash=h7", "key=7", "phase=confirm",
				"seen=3", "shard=db.user", "type=1", "webhook=*",
			},
		})
		require.Equal(f, []string{"db.user due"}, heard())
	})
}

func TestReleasedCallbackIsNext(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		heard := f.hints()
		f.seed(leasedCallback.and(state{"callbacks:a": {"a:2", "a:1"}}))
		c := leased()
		c.Phase = job.Verify
		require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: c, To: job.Released}))
		f.want(state{"callbacks:a": {"a:2", "a:1", cb}, "callback:" + cb: kept("verify")})
		require.Equal(f, []string{"db.user callbacks"}, heard())
	})
}

func TestHeldCallbackIsParkedByWhateverEndsItsLease(t *testing.T) {
	t.Parallel()
	for _, to := range []job.Phase{job.Retry, job.Released} {
		t.Run(string(to), func(t *testing.T) {
			t.Parallel()
			onEach(t, func(f *fixture) {
				f.seed(leasedCallback.and(state{"callback:" + cb: append(leasedCallback["callback:"+cb], "hold=eva")}))
				require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: leased(), To: to, Delay: time.Hour}))
				after := f.state()
				require.Equal(f, []string{cb + "@now"}, after["callbacks:parked"])
				require.Len(f, after, 2)
			})
		})
	}
}

func TestSettleOfALostLeaseChangesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedCallback)
		before := f.state()
		c := leased()
		c.Token = "yours"
		for _, to := range []job.Phase{job.Closed, job.Released, job.Retry} {
			require.Equal(f, job.SettledLost, f.settle(job.Settlement{Callback: c, To: to, Counters: "x"}))
		}
		f.want(before)
	})
}

func TestSettleAnswersInOrder(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedCallback.and(state{
			"callbacks:leased": {cb + "@+5m", "a:2@+5m", "a:3@+5m"},
			"callback:a:2":     {"token=mine", "seen=9", "destination=a"},
			"callback:a:3":     {"token=mine", "seen=1", "destination=a"},
		}))
		answers, err := f.Settle(f.Context(), []job.Settlement{
			{Callback: job.LeasedCallback{ID: "gone", Token: "mine"}, To: job.Closed, Counters: "n"},
			{Callback: leased(), To: job.Slow, Delay: time.Hour, Counters: "n slow"},
			{Callback: job.LeasedCallback{ID: "a:2", Token: "mine", Seen: "8"}, To: job.Closed, Counters: "n"},
			{Callback: job.LeasedCallback{ID: "a:3", Token: "mine", Seen: "1"}, To: job.Closed, Counters: "n"},
		})
		require.NoError(f, err)
		require.Equal(f, []job.Settled{job.SettledLost, job.SettledOK, job.SettledAgain, job.SettledOK}, answers)
		f.want(state{
			"callbacks:slow":    {cb + "@+60m"},
			"callbacks:confirm": {"a:2@+20m"},
			"callback:" + cb:    kept("slow"),
			"callback:a:2":      {"attempts=0", "destination=a", "phase=confirm", "seen=9", "webhook=*"},
			"stats":             {"n=2", "slow=1"},
			"stats:day":         {"n=2", "slow=1"},
		})
	})
}

func TestSettleToNowhereIsAnErrorBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(leasedCallback)
		before := f.state()
		_, err := f.Settle(f.Context(), []job.Settlement{{Callback: leased(), To: job.Closed}, {Callback: leased(), To: "elsewhere"}})
		require.ErrorContains(f, err, `no such phase as "elsewhere"`)
		f.want(before)
		answers, err := f.Settle(canceled(f), nil)
		require.NoError(f, err, "nothing to settle asks nobody")
		require.Empty(f, answers)
	})
}

// The index of what people are told of follows the field in every script that ends a lease.
func TestTroubleIsIndexedWhileItLasts(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		index := func(kind string) []string { return f.state()["troubled:"+kind+":a"] }
		again := func(trouble job.AlertKind, to job.Phase, before ...string) job.Settled {
			f.Helper()
			require.NoError(f, f.raw.HSet(f.Context(), f.keys.callbackPrefix()+cb, "token", "mine").Err())
			f.seed(state{"callbacks:leased": {cb + "@+5m"}})
			for _, field := range before {
				require.NoError(f, f.raw.HSet(f.Context(), f.keys.callbackPrefix()+cb, field, "1").Err())
			}
			c := leased()
			c.Trouble = trouble
			return f.settle(job.Settlement{Callback: c, To: to, Delay: time.Hour})
		}
		f.seed(leasedCallback)
		again(job.AlertSlow, job.Slow)
		require.Equal(f, []string{cb}, index("slow"))
		again(job.AlertSlow, job.Slow)
		require.Equal(f, []string{cb}, index("slow"))
		again(job.AlertNoEffect, job.Slow)
		require.Nil(f, index("slow"))
		require.Equal(f, []string{cb}, index("no_effect"))
		again("", job.Verify)
		require.Nil(f, index("no_effect"))

		again(job.AlertSlow, job.Slow)
		require.Equal(f, job.SettledAgain, again(job.AlertSlow, job.Closed, "seen"))
		require.Nil(f, index("slow"), "it was read equal once")
		require.NotContains(f, f.state()["callback:"+cb], "trouble=slow")
		require.NoError(f, f.raw.HSet(f.Context(), f.keys.callbackPrefix()+cb, "seen", "2").Err())
		again(job.AlertSlow, job.Slow)
		require.Equal(f, job.SettledOK, again(job.AlertSlow, job.Closed))
		require.Nil(f, index("slow"))
	})
}

func TestHeldCallbackIsNobodysTrouble(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		held := []string{"destination=a", "hold=eva", "seen=2", "shard=db.user", "token=mine", "trouble=slow"}
		for name, step := range map[string]func(){
			"settle":  func() { f.settle(job.Settlement{Callback: leased(), To: job.Slow, Delay: time.Hour}) },
			"reclaim": func() { f.pass(11 * time.Minute); f.seed(reclaiming); f.takeBack() },
			"fetch": func() {
				require.NoError(f, f.raw.Del(f.Context(), f.keys.callbacksLeased()).Err())
				f.seed(state{"callbacks:a": {cb}})
				_, err := f.FetchCallbacks(f.Context(), "a", "w", 1)
				require.NoError(f, err)
			},
		} {
			f.seed(state{"callbacks:leased": {cb + "@+5m"}, "callback:" + cb: held, "troubled:slow:a": {cb}})
			step()
			after := f.state()
			require.NotContains(f, after, "troubled:slow:a", name)
			require.NotContains(f, after["callback:"+cb], "trouble=slow", name)
			require.Equal(f, []string{cb + "@now"}, after["callbacks:parked"], name)
			require.NoError(f, f.raw.Del(f.Context(), f.keys.parked(), f.keys.callbackPrefix()+cb, f.keys.reclaim()).Err())
		}
	})
}
