package worker

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func closing(key string) decision { return settled(due(key), job.Closed, 0, countClosedEqual) }

func TestSettlerCollectsBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		s, stop := newSettler(t.Context(), f.deliveries[0])
		for range 2*settleBatch + 50 {
			s.settle(closing("a"), false)
		}
		stop()
		var sizes []int
		for _, batch := range f.queue.settled {
			sizes = append(sizes, len(batch))
		}
		require.ElementsMatch(t, []int{settleBatch, settleBatch, 50}, sizes)
	})
}

func TestSettlerCollectsNoMoreThanABatchOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		s, stop := newSettler(t.Context(), f.deliveries[0])
		var hands sync.WaitGroup
		for range 50 {
			hands.Go(func() {
				for range 49 {
					s.settle(closing("a"), false)
				}
			})
		}
		hands.Wait()
		stop()
		for _, batch := range f.queue.settled {
			require.LessOrEqual(t, len(batch), settleBatch)
		}
		require.Len(t, f.queue.all(), 50*49)
	})
}

func TestSettlerWaitsForMoreOnlyAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		s, stop := newSettler(t.Context(), f.deliveries[0])
		defer stop()
		f.deliveries[0].keeper.keep(string(due("a").ID), due("a").Token, time.Now(), func() {})
		s.settle(closing("a"), false)
		time.Sleep(settleEvery)
		synctest.Wait()
		require.Len(t, f.queue.all(), 1)
		require.Zero(t, f.Busy())
	})
}

func TestSettlerTriesAgainWhileTheQueueIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.away = errAway
		s, stop := newSettler(t.Context(), f.deliveries[0])
		defer stop()
		s.settle(closing("a"), false)
		time.Sleep(10 * time.Second)
		require.Empty(t, f.queue.all())
		f.queue.do(func() { f.queue.away = nil })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(t, f.queue.all(), 1)

		f.queue.do(func() { f.queue.away = errAway })
		s.settle(closing("b"), false)
		time.Sleep(2 * lease) // by then somebody else has it
		f.queue.do(func() { f.queue.away = nil })
		time.Sleep(lease)
		synctest.Wait()
		require.Len(t, f.queue.all(), 1)
	})
}

func TestLateAnswerPutsTheRowBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.late = map[job.CallbackID]bool{due("a").ID: true, due("b").ID: true}
		s, stop := newSettler(t.Context(), f.deliveries[0])
		s.settle(answered(due("a"), job.Answer{Outcome: job.Failed, Code: "http_410"}, s.d.rules), true)
		s.settle(closing("b"), false) // nothing was sent
		s.settle(answered(due("c"), yes, s.d.rules), true)
		stop()
		a := due("a")
		require.Equal(t, []job.Difference{{Destination: "far", Shard: shop, Key: "a", Type: a.Type, SourceHash: a.SourceHash}}, f.queue.again)
		require.Zero(t, f.troubles, "what became of it is somebody else's to tell")
	})
}

// half is a queue that settles and then goes away.
type half struct{ *queue }

func (h half) Settle(ctx context.Context, settlements []job.Settlement) ([]job.Settled, error) {
	defer h.do(func() { h.away = errAway })
	return h.queue.Settle(ctx, settlements)
}

func TestLateAnswerIsPutBackWhenTheQueueReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.late = map[job.CallbackID]bool{due("a").ID: true}
		f.c.Queue = half{f.queue}
		s, stop := newSettler(t.Context(), f.deliveries[0])
		s.settle(answered(due("a"), yes, s.d.rules), true)
		time.Sleep(5 * time.Second)
		f.queue.do(func() { f.queue.away = nil })
		stop()
		require.Len(t, f.queue.again, 1)
	})
}

func TestTroubleFollowsTheSettlement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		s, stop := newSettler(t.Context(), f.deliveries[0])
		s.settle(answered(due("a"), job.Answer{Outcome: job.Gone, Status: 410, Code: "http_410"}, s.d.rules), true)
		s.settle(answered(due("b"), job.Answer{Outcome: job.Failed, Code: "http_500"}, s.d.rules), true)
		stop()
		require.Equal(t, 1, f.troubles)
	})
}

// hung is a queue that answers when it is no longer waited for.
type hung struct{ *queue }

func (hung) Settle(ctx context.Context, _ []job.Settlement) ([]job.Settled, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStoppingSettlerHasTheAnswerTimeForAllThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.c.Queue = hung{f.queue}
		work, end := context.WithCancel(t.Context())
		s, stop := newSettler(work, f.deliveries[0])
		for range 3 * settleBatch {
			s.settle(closing("a"), false)
		}
		began := time.Now()
		end()
		stop()
		require.LessOrEqual(t, time.Since(began), answerTime+settleEvery)
	})
}
