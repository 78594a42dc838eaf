package worker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestRowsAreLookedAtRightAfterTheYes(t *testing.T) {
	t.Parallel()
	const sent = "v"
	for name, c := range map[string]struct {
		doubt  bool
		meets  func(f *fixture) // what the receiver's answer finds
		answer job.Answer
		to     job.Phase
		counts string
	}{
		"repaired": {
			meets: func(f *fixture) { f.tables.far["a"] = sent }, answer: yes, to: job.Closed, counts: "delivered closed_equal",
		},
		"not yet": {meets: func(*fixture) {}, answer: yes, to: job.Verify, counts: "delivered"},
		"repaired, but an older body may still land": {
			doubt: true, meets: func(f *fixture) { f.tables.far["a"] = sent }, answer: yes, to: job.Verify, counts: "delivered",
		},
		"equal, but in a later version than was sent": {
			meets: func(f *fixture) { f.tables.source["a"], f.tables.far["a"] = "later", "later" }, answer: yes, to: job.Verify, counts: "delivered",
		},
		"equal, but now there are several rows": {
			meets: func(f *fixture) { f.tables.far["a"], f.tables.sharing = sent, map[string]bool{"a": true} }, answer: yes, to: job.Verify, counts: "delivered",
		},
		"gone meanwhile": {meets: func(f *fixture) { delete(f.tables.source, "a") }, answer: yes, to: job.Verify, counts: "delivered"},
		"repaired, and the tables cannot be read": {
			meets: func(f *fixture) { f.tables.far["a"], f.tables.away = sent, errors.New("away") }, answer: yes, to: job.Verify, counts: "delivered",
		},
		"repaired, and the answer says no": {
			meets: func(f *fixture) { f.tables.far["a"] = sent }, answer: job.Answer{Outcome: job.Failed, Status: 500, Code: "http_500"}, to: job.Retry, counts: "failed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(waits)
				f.tables.source["a"] = sent
				f.receiver.answer = func(context.Context, job.Delivery) job.Answer {
					f.tables.do(func() { c.meets(f) })
					return c.answer
				}
				callback := due("a")
				callback.Doubt = c.doubt
				got := f.deliver(t, callback)["a"]
				require.Equal(t, c.to, got.To)
				require.Equal(t, c.counts, got.Counters)
				require.Equal(t, c.to == job.Verify, got.Delay == waits.VerifyDelay)
			})
		})
	}
}

// TestReceiversMayRepairInBatches: they answer before their batch is written.
func TestReceiversMayRepairInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source["a"] = "v"
		f.receiver.answer = func(context.Context, job.Delivery) job.Answer {
			time.AfterFunc(settleEvery+lookAfter/2, func() { f.tables.do(func() { f.tables.far["a"] = "v" }) })
			return yes
		}
		require.Equal(t, job.Closed, f.deliver(t, due("a"))["a"].To)
	})
}

func TestReceiversThatRepairLaterAreLookedAtLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source = map[string]string{"a": "v", "b": "v", "c": "v", "d": "v"}
		l := &looker{d: f.deliveries[0]}
		looks := func(batches int) (n int) {
			for range batches {
				var batch []settling
				for key := range f.tables.source {
					batch = append(batch, settling{answered(due(key), yes, l.d.rules).settle, true})
				}
				before := f.tables.reads
				l.look(t.Context(), batch)
				if f.tables.reads > before {
					n++
				}
			}
			return n
		}
		require.Equal(t, 1, looks(2), "one in two")
		require.Equal(t, 1, looks(4), "one in four")
		looks(1000)
		require.Equal(t, 2, looks(128), "one in 64, for ever")
		f.tables.far["c"] = "v" // one in four is worth a look
		looks(64)
		require.Equal(t, 5, looks(5))
	})
}

// TestAReceiverMayHaltForAMoment: the batches that are looked at together meet the same halt.
func TestAReceiverMayHaltForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source["a"] = "v"
		l := &looker{d: f.deliveries[0]}
		one := func() { l.look(t.Context(), []settling{{answered(due("a"), yes, l.d.rules).settle, true}}) }
		look := func() bool {
			before := f.tables.reads
			one()
			return f.tables.reads > before
		}
		var together sync.WaitGroup
		for range settleAtOnce {
			together.Go(one)
		}
		together.Wait()
		f.tables.do(func() { f.tables.far["a"] = "v" })
		require.False(t, look(), "one is left out")
		require.True(t, look())
		require.True(t, look())
	})
}
