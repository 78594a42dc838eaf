package broker

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// A Redis at its limit takes no new work, lets go of what is there, and goes on when there is room again.
func TestFullRedisRefusesNewWorkAndEndsTheOld(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	f := newFixture(t, server.Addr, "")
	f.Queue = f.queue(func(c *QueueConfig) { c.Limits = Limits{MaxRanges: 100, MaxCallbacks: 100} })
	l := f.lead("s1")
	ctx := t.Context()
	fill := func(limit string) {
		t.Helper()
		require.NoError(t, f.raw.ConfigSet(ctx, "maxmemory", limit).Err())
	}
	refused := func(err error) {
		t.Helper()
		require.True(t, redis.IsOOMError(err), "%v", err)
		require.NotErrorIs(t, err, ErrRefused, "it may have room again")
		down, is := errors.AsType[*job.DownError](err)
		require.True(t, is, "%v", err)
		require.Equal(t, Thing, down.Thing)
	}
	sample := insertRange("", "100")
	sample.Scan = job.InsertLate
	f.seed(reclaiming.and(state{
		"samples": {sample.ID() + "@5"}, "cursor": {"insert:db.user=10"}, "ranges": {"insert:db.user:8..9", "insert:db.user:9..10"},
		"ranges:leased":      {r1 + "@+5m", r2 + "@+5m", r3 + "@+5m", wide().ID + "@+5m", "insert:db.user:3..4@-1m"},
		"range:" + wide().ID: {"token=mine"}, "range:insert:db.user:3..4": {"token=x", "begun=1"}, "ranges:parked": {"insert:db.user:5..6@+5m"},
		"range:" + r1: {"token=mine", "progress=0"}, "range:" + r2: {"token=mine", "progress=0"}, "range:" + r3: {"token=mine", "progress=0"},
		"ranges:retry":         {"insert:db.user:4..5@-1m"},
		"callbacks:leased":     {cb + "@+5m", "a:2@+5m", "a:3@+5m", "a:4@-1m"},
		"callback:" + cb:       {"token=mine", "seen=2", "destination=a", "shard=db.user"},
		"callback:a:2":         {"token=mine", "seen=2", "destination=a", "shard=db.user"},
		"callback:a:3":         {"token=mine", "seen=2", "destination=a", "shard=db.user"},
		"callback:a:4":         {"token=mine", "seen=2", "destination=a", "shard=db.user"},
		"callbacks:confirm":    {"a:5@-1m"},
		"callback:a:5":         {"destination=a", "shard=db.user"},
		"callback:a:db.user:1": {"destination=a", "seen=1"},
	}))
	require.NoError(t, f.broker.enough(ctx), "this reading counts for a while")
	full := f.state()
	fill("1")

	// New work: nothing of it is written.
	refused(probe(f.broker))
	refused(l.Claim(ctx, claim("10", "20")))
	refused(l.ClaimLate(ctx, job.Sample{Range: sample}, []job.Range{sample}, nil))
	_, err := f.FetchRanges(ctx, "w1", 1)
	refused(err)
	refused(f.Put(ctx, mine(), 1, []job.Difference{difference("1"), difference("2")}))
	refused(f.PutAgain(ctx, []job.Difference{difference("1")}))
	refused(f.PutAgain(ctx, []job.Difference{difference("2")}))
	refused(f.Register(ctx, "s2"))
	refused(f.BeginRange(ctx, mine()))
	refused(f.SplitRange(ctx, wide(), halves()))
	f.want(full)

	// Work that ends.
	require.NoError(t, f.AckRange(ctx, mine(), 0, job.Counts{"rows": 1}))
	require.NoError(t, f.ReleaseRange(ctx, job.LeasedRange{ID: r2, Token: "mine"}))
	require.NoError(t, f.RetryRange(ctx, job.LeasedRange{ID: r3, Token: "mine"}, job.Again{Delay: time.Hour, Code: "timeout", Blamed: true}))
	require.NoError(t, f.ParkRange(ctx, wide(), "stalled"))
	moved, err := f.UnparkRanges(ctx, "insert:db.user:5..6")
	require.NoError(t, err)
	require.Equal(t, 1, moved)
	lost, err := f.ExtendCallbacks(ctx, map[string]string{"a:2": "mine"})
	require.NoError(t, err)
	require.Empty(t, lost)
	answers, err := f.Settle(ctx, []job.Settlement{
		{Callback: leased(), To: job.Slow, Delay: time.Hour, Counters: "slow"},
		{Callback: job.LeasedCallback{ID: "a:2", Token: "mine", Seen: "1"}, To: job.Closed},
		{Callback: job.LeasedCallback{ID: "a:3", Token: "mine", Seen: "2"}, To: job.Closed, Counters: "closed"},
	})
	require.NoError(t, err)
	require.Equal(t, []job.Settled{job.SettledOK, job.SettledAgain, job.SettledOK}, answers)
	r := f.takeBack()
	require.Equal(t, []int{1, 1}, []int{r.Ranges, r.Callbacks})
	require.Equal(t, 2, f.promote().Moved)
	got, err := f.FetchCallbacks(ctx, "a", "w1", 5)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.NoError(t, l.Refresh(ctx, lease))

	// The brake: what is open must be able to leave.
	braked, err := f.Brake(ctx, "a", 0.2, job.Share{Compared: 1000, Different: 1000, There: 100})
	require.NoError(t, err)
	require.True(t, braked)
	held, err := f.broker.Resume(ctx, Hold{Job: "db.user", Destination: "a"}, "eva")
	require.NoError(t, err)
	require.True(t, held)

	// People hear of it.
	tellings, err := f.broker.ClaimAlerts(ctx, "", []job.Alert{{Kind: job.AlertMemory, Count: 100}}, again)
	require.NoError(t, err)
	require.Len(t, tellings, 1)
	first, err := f.broker.NoteTold(ctx, tellings[0])
	require.NoError(t, err)
	require.True(t, first)

	// A person who stops the flood.
	_, err = f.broker.Pause(ctx, Hold{Job: "db.user"}, "eva", "too much", 0)
	require.NoError(t, err)
	held, err = f.broker.Resume(ctx, Hold{Job: "db.user"}, "eva")
	require.NoError(t, err)
	require.True(t, held)

	fill("0")
	require.NoError(t, probe(f.broker))
	require.NoError(t, f.Register(ctx, "scheduler-1"))
	require.NoError(t, l.Claim(ctx, claim("10", "20")))
	next := f.fetchRange()
	require.NoError(t, f.Put(ctx, next, 1, []job.Difference{difference("2")}))
	require.NoError(t, f.AckRange(ctx, next, 1, nil))
}
