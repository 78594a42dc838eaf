package worker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// deliver runs the worker over the callbacks until they are settled.
func (f *fixture) deliver(t *testing.T, callbacks ...job.LeasedCallback) map[string]job.Settlement {
	t.Helper()
	f.queue.callbacks = callbacks
	stop := f.start(t.Context())
	time.Sleep(time.Second)
	stop()
	byKey := map[string]job.Settlement{}
	for _, s := range f.queue.all() {
		byKey[s.Callback.Key] = s
	}
	require.Len(t, byKey, len(callbacks))
	require.Zero(t, f.Busy())
	return byKey
}

func TestDueCallbacksAreReadAgainAndOnlyDifferencesSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source = map[string]string{"equal": "v", "missing": "v", "different": "v", "hot": "v2", "shared": "v"}
		f.tables.far = map[string]string{"equal": "v", "different": "x", "hot": "x", "shared": "x"}
		f.tables.sharing = map[string]bool{"shared": true}
		got := f.deliver(t, due("equal"), due("missing"), due("different"), due("gone"), due("hot"), due("shared"))

		for key, want := range map[string]job.Phase{
			"equal": job.Closed, "missing": job.Verify, "different": job.Verify, "gone": job.Closed, "hot": job.Confirm, "shared": job.Parked,
		} {
			require.Equal(t, want, got[key].To, key)
		}
		slices.SortFunc(f.receiver.sent, func(a, b job.Delivery) int { return int(a.Type - b.Type) })
		require.Equal(t, []job.Delivery{
			{
				Job: "shop", Destination: "far", WebhookID: "webhook-missing", Attempt: 1, Type: job.Missing,
				Columns: []string{"id", "name"}, Values: [][]byte{[]byte("missing"), []byte("v")},
			},
			{
				Job: "shop", Destination: "far", WebhookID: "webhook-different", Attempt: 1, Type: job.Different,
				Columns: []string{"id", "name"}, Values: [][]byte{[]byte("different"), []byte("v")},
				Differing: []string{"name"},
			},
		}, f.receiver.sent)
	})
}

func TestRowThatChangesBetweenComparingAndSendingWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source = map[string]string{"a": "v", "b": "v", "c": "v"}
		f.tables.beforeBodies = func() {
			f.tables.do(func() { f.tables.source["a"] = "v2"; delete(f.tables.source, "b") })
		}
		late := due("c")
		late.HotSince = time.Now().Add(-time.Hour) // changed at every look before
		late.SourceHash = "another"
		got := f.deliver(t, due("a"), due("b"), late)
		require.Equal(t, job.Confirm, got["a"].To)
		require.Equal(t, relation.Hash(row("a", "v2")), got["a"].Callback.SourceHash)
		require.False(t, got["a"].Callback.HotSince.IsZero())
		require.Equal(t, job.Closed, got["b"].To)
		require.Equal(t, countClosedGone, got["b"].Counters)
		require.Equal(t, job.Verify, got["c"].To)
		require.Equal(t, countDelivered+" "+countHotBound, got["c"].Counters)
		require.Equal(t, 1, f.receiver.count())
	})
}

func TestTablesThatCannotBeReadPutOffWithoutAnAttemptAndSlowTheLoopDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.away = errAway
		for i := range 100 * leaseBatch { // a long queue, which would be run through at once
			c := due(fmt.Sprint(i))
			c.Phase, c.Attempts = phases[i%len(phases)], 2
			f.queue.callbacks = append(f.queue.callbacks, c)
		}
		stop := f.start(t.Context())
		time.Sleep(10 * time.Second)
		f.Wake(job.WakeAll)
		stop()
		require.LessOrEqual(t, len(f.queue.fetched["callbacks"]), 6)
		all := f.queue.all()
		require.NotEmpty(t, all)
		for _, s := range all {
			require.Equal(t, s.Callback.Phase, s.To)
			require.Equal(t, 2, s.Callback.Attempts)
			require.InDelta(t, 2*time.Second, s.Delay, float64(400*time.Millisecond))
		}
		require.Zero(t, f.receiver.count())
	})
}

func TestConcurrencyIsBoundedAndOneSlowAnswerHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		running := make(chan struct{}, waits.Concurrency)
		f.receiver.answer = func(_ context.Context, d job.Delivery) job.Answer {
			select {
			case running <- struct{}{}:
			default:
				return job.Answer{Code: "too many at once"}
			}
			defer func() { <-running }()
			if string(d.Values[0]) == "slow" {
				time.Sleep(2500 * time.Millisecond)
			} else {
				time.Sleep(10 * time.Millisecond)
			}
			return yes
		}
		f.tables.source["slow"] = "v"
		f.queue.callbacks = append(f.queue.callbacks, due("slow"))
		for i := range 150 {
			key := fmt.Sprint(i)
			f.tables.source[key] = "v"
			f.queue.callbacks = append(f.queue.callbacks, due(key))
		}
		stop := f.start(t.Context())
		time.Sleep(2 * time.Second)
		require.Equal(t, 151, f.receiver.count())
		stop()
		require.Len(t, f.queue.all(), 151)
		for _, s := range f.queue.all() {
			require.Equal(t, job.Verify, s.To, s.Callback.Error)
		}
	})
}

func TestLeasesOfThoseWhoWaitBehindSlowAnswersAreExtended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := waits
		slow.Concurrency = 1
		f := newFixture(slow)
		f.receiver.answer = func(context.Context, job.Delivery) job.Answer {
			time.Sleep(3 * time.Second)
			return job.Answer{Outcome: job.Unknown, Code: "timeout"}
		}
		for i := range 40 { // two minutes of them, four leases
			key := fmt.Sprint(i)
			f.tables.source[key] = "v"
			f.queue.callbacks = append(f.queue.callbacks, due(key))
		}
		stop := f.start(t.Context())
		time.Sleep(125 * time.Second)
		stop()
		require.Equal(t, 40, f.receiver.count())
		for _, s := range f.queue.all() {
			require.Equal(t, job.Retry, s.To)
			require.True(t, s.Callback.Doubt)
		}
	})
}

func TestCallbackWhoseLeaseRunsOutIsPutOffUnsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := waits
		slow.Timeout, slow.Concurrency = 25*time.Second, 1
		f := newFixture(slow)
		f.tables.source = map[string]string{"a": "v", "b": "v"}
		f.receiver.answer = func(context.Context, job.Delivery) job.Answer {
			f.queue.do(func() { f.queue.away = errAway }) // from here on nothing is extended
			time.Sleep(19 * time.Second)                  // between two extensions
			f.queue.do(func() { f.queue.away = nil })
			return yes
		}
		f.queue.callbacks = []job.LeasedCallback{due("a"), due("b")}
		stop := f.start(t.Context())
		time.Sleep(22 * time.Second)
		stop()
		require.Equal(t, 1, f.receiver.count())
		all := f.queue.all()
		require.Len(t, all, 2)
		for _, s := range all {
			if s.Callback.Key == "b" {
				require.Equal(t, job.Confirm, s.To)
				require.InDelta(t, 2*time.Second, s.Delay, float64(time.Second))
				require.False(t, s.Callback.Doubt)
				require.Zero(t, s.Callback.Attempts)
			}
		}
	})
}

func TestStopCutsAPOSTAtTheEndOfGraceAndReleasesWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.receiver.answer = hang
		for i := range 5 {
			key := fmt.Sprint(i)
			f.tables.source[key] = "v"
			c := due(key)
			c.Attempts = 1
			f.queue.callbacks = append(f.queue.callbacks, c)
		}
		stop := f.start(t.Context())
		time.Sleep(100 * time.Millisecond)
		require.Equal(t, 5, f.Busy())
		began := time.Now()
		stop()
		require.GreaterOrEqual(t, time.Since(began), f.c.Grace)
		require.Less(t, time.Since(began), f.c.Grace+100*time.Millisecond)
		require.Equal(t, waits.Concurrency, f.receiver.count())
		doubts := 0
		for _, s := range f.queue.all() {
			require.Equal(t, job.Released, s.To)
			require.Equal(t, 1, s.Callback.Attempts)
			require.Empty(t, s.Counters)
			if s.Callback.Doubt {
				doubts++
			}
		}
		require.Len(t, f.queue.all(), 5)
		require.Equal(t, waits.Concurrency, doubts)
	})
}

func TestAnswerWithinGraceCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source["a"] = "v"
		f.receiver.answer = func(context.Context, job.Delivery) job.Answer { time.Sleep(time.Second / 2); return yes }
		f.queue.callbacks = []job.LeasedCallback{due("a")}
		stop := f.start(t.Context())
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		stop()
		require.Less(t, time.Since(began), f.c.Grace)
		require.Equal(t, job.Verify, f.queue.all()[0].To)
	})
}

func TestStopDuringAFetchReleasesWhatItBrought(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source["a"] = "v"
		ctx, cancel := context.WithCancel(t.Context())
		f.queue.callbacks = []job.LeasedCallback{due("a")}
		f.queue.ranges = []job.LeasedRange{{ID: "insert:db.shop:..", Token: "r", Range: job.Range{Scan: job.Insert, Shard: shop}}}
		f.queue.onFetch = cancel
		f.Run(ctx)
		all := f.queue.all()
		require.Len(t, all, len(f.queue.fetched["callbacks"]))
		for _, s := range all {
			require.Equal(t, job.Released, s.To)
			require.False(t, s.Callback.Doubt)
		}
		require.Len(t, f.queue.released, len(f.queue.fetched["ranges"]))
		require.NotEmpty(t, f.queue.fetched)
		require.Zero(t, f.receiver.count())
		require.Empty(t, f.queue.acked)
	})
}

func TestCallbacksThatAreOffAreNotEvenFetched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		off := waits
		off.Off = true
		f := newFixture(off)
		f.queue.callbacks = []job.LeasedCallback{due("a")}
		stop := f.start(t.Context())
		time.Sleep(time.Minute)
		stop()
		require.Empty(t, f.queue.fetched["callbacks"])
		require.NotEmpty(t, f.queue.fetched["ranges"])
	})
}
