package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// slowPages takes half a second for a page.
type slowPages struct{ *tables }

func (s slowPages) Page(ctx context.Context, r job.Range, limit int) ([]diff.Row, job.Point, bool, error) {
	select {
	case <-time.After(500 * time.Millisecond):
		return s.tables.Page(ctx, r, limit)
	case <-ctx.Done():
		return nil, job.Point{}, false, ctx.Err()
	}
}

func TestIdleWorkerTakesNewWorkAtOnceAndLooksAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		stop := f.start(t.Context())
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for what, looks := range f.queue.fetched {
			require.Less(t, len(looks), 80, "every 10 s in the end: %s", what)
			for i := range looks[1:] {
				require.GreaterOrEqual(t, looks[i+1].Sub(looks[i]), time.Second)
			}
		}
		require.Less(t, f.queue.promoted, 80)
		require.Less(t, f.queue.reclaimed, 80)

		hinted := time.Now()
		f.queue.do(func() {
			f.queue.ranges = append(f.queue.ranges, whole())
			f.queue.callbacks = append(f.queue.callbacks, due("gone"))
		})
		f.Wake(job.WakeRanges)
		f.Wake(job.WakeCallbacks)
		promoted := f.queue.promoted
		f.Wake(job.WakeDue)
		synctest.Wait()
		require.Len(t, f.queue.acked, 1)
		require.Equal(t, promoted+1, f.queue.promoted)
		time.Sleep(settleEvery)
		synctest.Wait()
		require.Len(t, f.queue.all(), 1)
		require.Equal(t, settleEvery, time.Since(hinted))
		stop()
	})
}

func TestHintsForOneKindWakeNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		stop := f.start(t.Context())
		defer stop()
		time.Sleep(time.Minute + time.Millisecond)
		synctest.Wait()
		count := func() [3]int {
			return [3]int{len(f.queue.fetched["ranges"]), len(f.queue.fetched["callbacks"]), f.queue.promoted}
		}
		for what, woken := range map[string][3]int{
			job.WakeRanges: {1, 0, 0}, job.WakeCallbacks: {0, 1, 0}, job.WakeDue: {0, 0, 1}, job.WakeAll: {1, 1, 1}, "unknown": {},
		} {
			before := count()
			f.Wake(what)
			synctest.Wait()
			after := count()
			for i := range after {
				require.Equal(t, before[i]+woken[i], after[i], "%q", what)
			}
		}
	})
}

func TestPromoterSleepsUntilTheNextItemIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.due = 5 * time.Second
		stop := f.start(t.Context())
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		require.Equal(t, 12, f.queue.promoted)
		f.queue.do(func() { f.queue.due = time.Hour }) // the clock of the queue may be stepped: never longer than 10 s
		time.Sleep(time.Minute)
		stop()
		require.InDelta(t, 18, f.queue.promoted, 1)
	})
}

func TestQueueThatIsAwayIsAskedMoreAndMoreRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.queue.away = errAway
		stop := f.start(t.Context())
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.Less(t, len(f.queue.fetched["ranges"]), 45)
		require.Less(t, len(f.queue.fetched["callbacks"]), 45)
		require.Less(t, f.queue.promoted, 45)
		require.Less(t, f.queue.reclaimed, 45)

		f.queue.do(func() {
			f.queue.away = nil
			f.queue.ranges = []job.LeasedRange{whole()}
		})
		time.Sleep(13 * time.Second)
		stop()
		require.Len(t, f.queue.acked, 1)
	})
}

func TestPausedAndForeignJobsGetNoWorkAndRaiseNoAlert(t *testing.T) {
	t.Parallel()
	for _, err := range []error{job.ErrPaused, &job.SpecError{Job: "shop", Field: "details"}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(waits)
			f.queue.refusal = err
			f.queue.ranges = []job.LeasedRange{whole()}
			stop := f.start(t.Context())
			time.Sleep(time.Minute)
			stop()
			require.Empty(t, f.queue.acked)
			require.Zero(t, f.troubles)
			require.Less(t, len(f.queue.fetched["ranges"]), 30)
		})
	}
}

func TestStopOfAnIdleWorkerIsImmediate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		stop := f.start(t.Context())
		time.Sleep(time.Minute)
		began := time.Now()
		stop()
		require.Zero(t, time.Since(began))
	})
}
