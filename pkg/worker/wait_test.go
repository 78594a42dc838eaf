package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPollsBackOffToTheLongestAndBeginAgain(t *testing.T) {
	t.Parallel()
	p := poll{longest: 10 * time.Second}
	last := time.Duration(0)
	for range 20 {
		pause := p.pause()
		require.GreaterOrEqual(t, pause, time.Second, "no list is looked at more often than once a second")
		require.LessOrEqual(t, pause, 11*time.Second)
		require.GreaterOrEqual(t, pause*11/10, last)
		last = pause
	}
	require.GreaterOrEqual(t, last, 10*time.Second)
	p.found()
	require.Less(t, p.pause(), 1200*time.Millisecond)

	short := poll{longest: time.Millisecond}
	require.GreaterOrEqual(t, short.pause(), time.Second)
	require.GreaterOrEqual(t, short.pause(), time.Second)
}

func TestBackoffDoublesToTheLongest(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{
		-1: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second,
		5: 10 * time.Second, 60: 10 * time.Second, 1 << 40: 10 * time.Second,
	} {
		require.InDelta(t, want, backoff(n, 10*time.Second), float64(want)/5, n)
	}
}

func TestJitterStaysWithinAFifth(t *testing.T) {
	t.Parallel()
	least, most := time.Hour, time.Duration(0)
	for range 10_000 {
		d := jitter(10 * time.Second)
		least, most = min(least, d), max(most, d)
	}
	require.GreaterOrEqual(t, least, 8*time.Second)
	require.LessOrEqual(t, most, 12*time.Second)
	require.Greater(t, most-least, 3*time.Second)
	require.Zero(t, jitter(0))
	require.Zero(t, jitter(-time.Second))
	require.LessOrEqual(t, jitter(time.Nanosecond), 2*time.Nanosecond)
}

func TestBellRemembersOneRing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBell()
		b.ring()
		b.ring()
		began := time.Now()
		b.wait(t.Context(), time.Hour)
		require.Zero(t, time.Since(began))
		b.wait(t.Context(), time.Hour)
		require.Equal(t, time.Hour, time.Since(began))

		go func() { time.Sleep(time.Minute); b.ring() }()
		b.wait(t.Context(), time.Hour)
		require.Equal(t, time.Hour+time.Minute, time.Since(began))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b.wait(ctx, time.Hour)
		rest(ctx, time.Hour)
		require.Equal(t, time.Hour+time.Minute, time.Since(began))
	})
}

func TestOutlivingEndsAWhileAfterItsParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, end := context.WithCancel(t.Context())
		longer, cancel := outliving(parent, time.Second)
		defer cancel()
		last, cancelLast := outliving(longer, time.Minute)
		defer cancelLast()
		time.Sleep(time.Hour)
		require.NoError(t, longer.Err())
		began := time.Now()
		end()
		<-longer.Done()
		require.Equal(t, time.Second, time.Since(began))
		<-last.Done()
		require.Equal(t, time.Minute+time.Second, time.Since(began))
	})
}
