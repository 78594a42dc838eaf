package broker

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestTheFirstOfEachQueueIsShown(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{
			"ranges":              {"insert:db.user:20..30"},
			"ranges:leased":       {"insert:db.user:..10@+5m"},
			"callbacks:a":         {"a2", "a1"}, // a1 is taken first
			"callback:a1":         {"destination=a"},
			"callbacks:slow":      {"old@-2m", "new@+9m"},
			"callback:old":        {"destination=a"},
			"callbacks:confirm":   {"gone@+1m"}, // its hash was removed by hand
			"callbacks:parked":    {"p@-30m"},
			"callback:p":          {"destination=b"},
			"callback:unrelated1": {"destination=b"},
		})
		require.NoError(f, f.raw.SAdd(f.Context(), f.broker.jobsKey(), f.Job()).Err())
		now, err := f.raw.Time(f.Context()).Result()
		require.NoError(f, err)
		for id, ago := range map[string]time.Duration{"a1": time.Hour, "old": 2 * time.Hour, "p": 3 * time.Hour} {
			require.NoError(f, f.raw.HSet(f.Context(), f.keys.callbackPrefix()+id, "first_seen", strconv.FormatInt(now.Add(-ago).UnixMilli(), 10)).Err())
		}
		states, err := f.broker.Jobs(f.Context())
		require.NoError(f, err)
		require.Len(f, states, 1)
		heads := states[0].Heads
		near := func(want time.Duration, have int64) { f.Helper(); require.InDelta(f, want.Seconds(), have, 50) }
		require.Len(f, heads, 6, "nothing of queues that are empty")
		require.Equal(f, job.Head{}, heads["ranges"], "nobody knows how old one is that was put there by hand")
		require.WithinDuration(f, now.Add(5*time.Minute), heads["ranges:leased"].Due, time.Minute)
		near(time.Hour, heads["callbacks:a"].Age)
		require.True(f, heads["callbacks:a"].Due.IsZero(), "it may be taken")
		near(2*time.Hour, heads["callbacks:slow"].Age)
		near(2*time.Minute, heads["callbacks:slow"].Late)
		require.Zero(f, heads["callbacks:confirm"].Age)
		require.Zero(f, heads["callbacks:confirm"].Late)
		near(30*time.Minute, heads["callbacks:parked"].Age)
		require.True(f, heads["callbacks:parked"].Due.IsZero(), "it waits for a person")
	})
}

func TestWhatIsAskedOfRedisIsHeard(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		answers, failed := 0, map[string]int{}
		b := Open(Config{Addrs: []string{f.addr}, Prefix: f.prefix}, Options{Ear: Ear{
			OnAnswer:      func(took time.Duration) { require.Positive(f, took); answers++ },
			OnScriptError: func(script string) { failed[script]++ },
		}})
		defer func() { require.NoError(f, b.Close()) }()
		require.NoError(f, b.Ping(f.Context()))
		require.Positive(f, answers)
		q, err := b.Queue(QueueConfig{Job: f.Job(), Spec: testSpec, Destinations: []string{"a"}, Limits: f.limits, Lease: lease})
		require.NoError(f, err)
		require.Error(f, b.Ping(canceled(f)))
		_, err = q.Promote(f.Context(), longestDelay)
		require.NoError(f, err)
		require.Empty(f, failed, "a script that Redis does not hold yet is sent again")
		before := answers

		// A key of another type, as a hand may leave it.
		require.NoError(f, f.raw.Set(f.Context(), f.keys.rangesRetry(), "x", 0).Err())
		_, err = q.Promote(f.Context(), longestDelay)
		require.Error(f, err)
		require.Equal(f, map[string]int{"promote": 1}, failed)
		require.Greater(f, answers, before, "an error is an answer")
		require.ErrorIs(f, b.rdb.Get(f.Context(), f.keys.lock()).Err(), redis.Nil)
		require.Len(f, failed, 1)
	})
}
