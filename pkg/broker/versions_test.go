package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Two versions work on one Redis during a rolling restart: what the newer one adds to
// hashes is kept, what an older one did not write yet has a meaning, and work of a
// kind that only one of them knows waits for it.
func TestFieldsOfAnotherVersionAreKeptAndIgnored(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		l := f.lead("s1")
		const newer = "weekly:db.user:1..2"
		f.seed(state{
			"cursor":         {"audit:db.user=77", "insert:db.user=10"},
			"ranges":         {newer, r2, r1},
			"range:" + r1:    {"shape=round"},
			"callback:" + cb: {"destination=a", "shard=db.user", "key=1", "priority=high"}, // no phase, type, seen, attempts, webhook
			"callbacks:a":    {cb},
		})
		require.NoError(f, f.raw.HSet(ctx, f.keys.spec(), "schema", "v9").Err())
		require.NoError(f, f.Register(ctx, "s1"))
		require.Equal(f, "v9", f.raw.HGet(ctx, f.keys.spec(), "schema").Val())

		// A range: given back with what it had, then done.
		r := f.fetchRange()
		require.NoError(f, f.RetryRange(ctx, r, job.Again{Delay: time.Hour, Code: "x"}))
		require.Contains(f, f.state()["range:"+r1], "shape=round")
		require.NoError(f, f.AckRange(ctx, f.fetchRange(), 0, nil))

		// A callback: each move keeps it, a sighting too.
		c := f.fetchCallback()
		require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: c, To: job.Slow, Delay: time.Hour}))
		require.NoError(f, f.PutAgain(ctx, []job.Difference{{Destination: "a", Shard: shard(), Key: "1"}}))
		require.Contains(f, f.state()["callback:"+cb], "priority=high")

		// A claim of this version leaves the other scan's cursor alone.
		require.NoError(f, l.Claim(ctx, claim("10", "20")))
		require.Contains(f, f.state()["cursor"], "audit:db.user=77")

		// A range of a kind that this version does not know is not lost.
		_, err := f.FetchRanges(ctx, "w1", 1)
		require.ErrorContains(f, err, "known scan")
		require.Len(f, f.state()["ranges:leased"], 1, "its lease ends, and it goes to whoever knows it")
	})
}

// A version of before keeps the index of what people are told of in sorted sets. Whichever of both sees to a callback
// next, it is counted once while it is so, and nothing stays.
func TestIndexOfAnEarlierVersionIsTakenOver(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		slow := func(want int) {
			f.Helper()
			alerts, _, err := f.Alerts(ctx)
			require.NoError(f, err)
			have := 0
			for _, a := range alerts {
				if a.Kind == job.AlertSlow {
					have = a.Count
				}
			}
			require.Equal(f, want, have)
		}
		seed := state{}
		for i := range 250 { // more than one look takes over
			id := fmt.Sprintf("a:db.user:%d", 1000+i)
			seed["callback:"+id] = []string{"destination=a", "trouble=slow", "error=refused"}
			seed["trouble:slow:a"] = append(seed["trouble:slow:a"], id+"@-3m")
		}
		seed["trouble:slow:a"] = append(seed["trouble:slow:a"], "deleted@-3m")
		f.seed(seed)
		f.seed(leasedCallback)
		require.NoError(f, f.raw.HSet(ctx, f.keys.callbackPrefix()+cb, "trouble", "slow").Err())
		f.seed(state{"trouble:slow:a": {cb + "@-1m"}})

		c := leased()
		c.Trouble = job.AlertSlow
		require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: c, To: job.Slow, Delay: time.Hour}))
		require.Equal(f, []string{cb}, f.state()["troubled:slow:a"], "the next settlement takes it over")
		slow(252) // the one that was deleted by hand is not looked at yet
		slow(251)
		require.NotContains(f, f.state(), "trouble:slow:a")
		require.Len(f, f.state()["troubled:slow:a"], 251)

		// One of before closes some, and knows nothing of the set.
		for i := range 250 {
			require.NoError(f, f.raw.Del(ctx, f.keys.callbackPrefix()+fmt.Sprintf("a:db.user:%d", 1000+i)).Err())
		}
		require.NoError(f, f.raw.HDel(ctx, f.keys.callbackPrefix()+cb, "trouble").Err())
		slow(0)
		for f.raw.Exists(ctx, f.keys.troubled(job.AlertSlow, "a")).Val() == 1 {
			_, _, err := f.Alerts(ctx)
			require.NoError(f, err)
		}
		slow(0)
	})
}
