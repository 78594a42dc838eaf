package broker

import (
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
