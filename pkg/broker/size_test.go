package broker

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// A callback is small while it waits, and also while its receiver refuses connections: by what Redis says it
// uses in all, the tables of its keys and sets and the index of what people are told of with it.
func TestOpenCallbackIsSmall(t *testing.T) {
	t.Parallel()
	const waitingAllowed, refusedAllowed, open = 500, 600, 50_000
	server := redistest.Start(t, redistest.Options{})
	f := newFixture(t, server.Addr, "")
	ctx := t.Context()
	q := f.queue(func(c *QueueConfig) { c.ConfirmDelay = 0; c.Limits.MaxCallbacks = 2 * open })
	used := func() int64 { return number(parseInfo(f.raw.Info(ctx, "memory").Val())["used_memory"]) }
	before := used()
	for first := 0; first < open; first += upkeepBatch {
		differences := make([]job.Difference, upkeepBatch)
		for i := range differences {
			differences[i] = difference(strconv.Itoa(1_700_000_000 + first + i))
			differences[i].SourceHash = strings.Repeat("f", 16)
		}
		require.NoError(t, q.PutAgain(ctx, differences))
	}
	each := (used() - before) / open
	t.Logf("a callback that waits takes %d bytes", each)
	require.LessOrEqual(t, each, int64(waitingAllowed))
	var last job.CallbackID
	for n := 0; n < open; {
		_, err := q.Promote(ctx, longestDelay)
		require.NoError(t, err)
		got, err := q.FetchCallbacks(ctx, "a", "worker@some-host.example.com:12345", upkeepBatch)
		require.NoError(t, err)
		failed := make([]job.Settlement, len(got))
		for i, c := range got {
			c.Attempts, c.Error, c.Trouble, last = 4, "refused", job.AlertSlow, c.ID
			failed[i] = job.Settlement{Callback: c, To: job.Slow, Delay: time.Hour}
		}
		_, err = q.Settle(ctx, failed)
		require.NoError(t, err)
		n += len(got)
	}
	require.Equal(t, "listpack", f.raw.ObjectEncoding(ctx, f.keys.callbackPrefix()+string(last)).Val())
	each = (used() - before) / open
	t.Logf("one whose receiver refuses connections takes %d bytes", each)
	require.LessOrEqual(t, each, int64(refusedAllowed))
}

// A long text key makes its one hash larger, and nothing else.
func TestLongKeyHasAShortID(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		d := difference(strings.Repeat("long/", 100))
		require.NoError(f, f.PutAgain(f.Context(), []job.Difference{d}))
		f.pass(confirmDelay + time.Minute)
		f.promote()
		c := f.fetchCallback()
		require.Equal(f, d.Key, c.Key)
		require.LessOrEqual(f, len(c.ID), 64)
	})
}

// However much waits, one step holds Redis for a moment only.
func TestStepsAreShortWhileAHundredThousandItemsWait(t *testing.T) {
	t.Parallel()
	const items, steps, longest = 100_000, 20, 10 * time.Millisecond
	server := redistest.Start(t, redistest.Options{})
	f := newFixture(t, server.Addr, "")
	ctx := t.Context()
	// Everything waits or is leased, and is due: more than any step may move.
	seed := redis.NewScript(`
		for i = ARGV[1], ARGV[2] - 1 do
			redis.call('HSET', KEYS[1] .. 'a:' .. i, 'destination', 'a', 'shard', 'db.user', 'token', 'mine', 'seen', '1')
			for k = 2, #KEYS do
				redis.call('ZADD', KEYS[k], 1, 'a:' .. i)
			end -- of the sets
		end`)
	keys := []string{
		f.keys.callbackPrefix(), f.keys.confirm(), f.keys.verify(), f.keys.retry(), f.keys.slow(),
		f.keys.callbacksLeased(), f.keys.rangesLeased(), f.keys.rangesRetry(),
	}
	for first := 0; first < items; first += 5000 {
		require.ErrorIs(t, seed.Run(ctx, f.raw, keys, first, first+5000).Err(), redis.Nil)
	}
	f.seed(reclaiming)
	for _, c := range []struct {
		name string
		step func(i int)
	}{
		{"promote", func(int) { require.Equal(t, 5*promoteBatch, f.promote().Moved) }},
		{"reclaim", func(int) {
			r := f.takeBack()
			require.Equal(t, []int{upkeepBatch, upkeepBatch}, []int{r.Ranges, r.Callbacks})
		}},
		{"settle", func(i int) {
			batch := make([]job.Settlement, upkeepBatch)
			for n := range batch {
				id := job.CallbackID(fmt.Sprintf("a:%d", items-1-i*upkeepBatch-n))
				batch[n] = job.Settlement{Callback: job.LeasedCallback{ID: id, Token: "mine", Seen: "1"}, To: job.Retry, Delay: time.Hour, Counters: "posts"}
			}
			_, err := f.Settle(ctx, batch)
			require.NoError(t, err)
		}},
		{"fetch", func(int) {
			got, err := f.FetchCallbacks(ctx, "a", "w1", upkeepBatch)
			require.NoError(t, err)
			require.Len(t, got, upkeepBatch)
		}},
	} {
		before := server.CPU(t)
		for i := range steps {
			c.step(i)
		}
		took := (server.CPU(t) - before) / steps
		t.Logf("%s: %s", c.name, took)
		require.Less(t, took, longest, c.name)
	}
}
