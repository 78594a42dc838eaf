package broker

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// New work stops before Redis is full, whatever fills it, and begins again by itself.
func TestNearlyFullRedisBeginsNothingNew(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{MaxMemory: "20mb"})
	f := newFixture(t, server.Addr, "")
	ctx := t.Context()
	l := f.lead("s1")
	room, err := f.Room(ctx)
	require.NoError(t, err)
	require.Equal(t, 5, room)
	require.NoError(t, l.Claim(ctx, claim("", "10")))
	require.NoError(t, l.Claim(ctx, claim("10", "20")))
	r := f.fetchRange()

	foreign := make([]string, 17)
	for i := range foreign {
		foreign[i] = "foreign" + strconv.Itoa(i)
		require.NoError(t, f.raw.Set(ctx, foreign[i], make([]byte, 1<<20-100), 0).Err())
	}
	limited := func(err error) bool {
		limit, is := errors.AsType[*job.LimitError](err)
		return is && limit.What == job.LimitMemory && limit.Have >= mostMemory && limit.Have < 100
	}
	eventually.Until(t, 10*time.Second, func() bool { _, err := f.Room(ctx); return limited(err) }, "nothing may be claimed")
	_, err = f.FetchRanges(ctx, "w1", 1)
	require.True(t, limited(err), "%v", err)
	require.ErrorContains(t, err, "of Redis' maxmemory is used")

	// What is in work goes on, and what is open is delivered.
	require.NoError(t, f.Put(ctx, r, 1, []job.Difference{difference("1")}))
	require.NoError(t, f.AckRange(ctx, r, 1, nil))
	require.NoError(t, f.raw.ZAdd(ctx, f.keys.confirm(), redis.Z{Member: string(difference("1").ID())}).Err())
	require.Equal(t, 1, f.promote().Moved)
	require.Equal(t, job.SettledOK, f.settle(job.Settlement{Callback: f.fetchCallback(), To: job.Closed}))

	require.NoError(t, f.raw.Del(ctx, foreign...).Err())
	eventually.Until(t, 10*time.Second, func() bool { _, err := f.Room(ctx); return err == nil }, "there is room again")
	require.Equal(t, "insert:db.user:10..20", f.fetchRange().ID)
}

func TestMemoryThatRedisDoesNotTellIsNoLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"":                                       0,
		"used_memory:100\r\n":                    0,
		"used_memory:100\r\nmaxmemory:0\r\n":     0,
		"used_memory:x\r\nmaxmemory:100\r\n":     0,
		"used_memory:85\r\nmaxmemory:100\r\n":    85,
		"used_memory:3000\r\nmaxmemory:1000\r\n": 300,
		"# Memory\r\nused_memory:1\nmaxmemory:3": 33,
	} {
		require.Equal(t, want, usedPercent(text), "%q", text)
	}
}
