package app_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
)

// pass waits for nothing: for what takes its time in the world outside.
func pass(d time.Duration) { eventually.Holds(d, func() bool { return false }) }

// fleet runs a scheduler and a worker.
func (w *world) fleet() {
	w.t.Helper()
	w.run(app.Scheduler)
	w.run(app.Worker)
}

func TestLateRowIsNotCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.ConfirmDelay = 2 * time.Second
	w.fleet()
	w.insert(w.source, 1)
	w.until(func() bool { return w.waiting(job.Confirm) == 1 }, "the row is suspected")
	pass(300 * time.Millisecond)
	w.insert(w.far, 1) // the pipeline was slow
	w.done(1)
	require.Zero(t, w.receiver.Count())
	require.EqualValues(t, 1, w.stat("closed_equal"))
}

func TestRowCommittedOutOfOrderIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.LateCommit = 2 * time.Second
	w.receiver.Behave(w.repairing())
	w.fleet()
	open, err := w.source.DB.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = open.Rollback() }() // fails once it is committed
	_, err = open.ExecContext(t.Context(), "INSERT INTO shop (id, number) VALUES (1, ?)", number(1))
	require.NoError(t, err)
	w.insert(w.source, 2)
	w.until(func() bool { return w.stat("closed_equal") == 1 }, "the scan has passed the open transaction")
	require.NoError(t, open.Commit())
	w.until(func() bool { return w.stat("closed_equal") == 2 }, "the late pass has found its row")
	require.Equal(t, map[callbacktest.Key]int{{ID: "1", Type: 1}: 1, {ID: "2", Type: 1}: 1}, w.receiver.Counts("id"))
	w.equal()
}

func TestHotRowIsCalledOnlyBeyondTheBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.ConfirmDelay, w.job.HotBound = 400*time.Millisecond, 3*time.Second
	w.fleet()
	began := time.Now()
	w.insert(w.far, 1)
	w.far.Exec(t, "UPDATE shop SET name = 'older'")
	w.insert(w.source, 1)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // the pipeline is always behind: no two readings find the same version
		defer close(ended)
		for version := 0; ctx.Err() == nil; version++ {
			_, _ = w.source.DB.ExecContext(ctx, "UPDATE shop SET name = ? WHERE id = 1", version+1)
			_, _ = w.far.DB.ExecContext(ctx, "UPDATE shop SET name = ? WHERE id = 1", fmt.Sprint(version, " by now"))
			pass(20 * time.Millisecond)
		}
	}()
	called := w.receiver.WaitFor(t, 1, patience)[0]
	require.GreaterOrEqual(t, called.At.Sub(began), w.job.HotBound)
	require.GreaterOrEqual(t, w.stat("hot"), int64(5), "it was looked at meanwhile")
	cancel()
	<-ended
	w.far.Exec(t, "REPLACE INTO shop (id, number, name) SELECT id, number, name FROM "+w.source.Name+".shop")
	w.done(1)
	require.GreaterOrEqual(t, w.stat("hot_bound"), int64(1))
	require.Equal(t, 2, called.Body.Type)
}

func TestRowSeenAgainWhileLeasedIsCalledAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().Verify = false // the yes itself would close it
	b := broker.Open(w.redis, broker.Options{})
	defer b.Close()
	queue, err := b.Queue(broker.QueueConfig{Job: w.job.Name, Destinations: []string{"far"}, Lease: time.Minute, ConfirmDelay: w.job.ConfirmDelay})
	require.NoError(t, err)
	w.receiver.Behave(func(n int, body callbacktest.Body) callbacktest.Reply {
		if n > 1 {
			return w.repairing()(n, body)
		}
		// It was repaired, and it broke again, which a comparison has seen.
		d := job.Difference{Destination: "far", Shard: w.job.Source.Shard, Key: body.Value("id"), Type: job.Missing}
		if queue.PutAgain(context.Background(), []job.Difference{d}) != nil {
			return callbacktest.Reply{Status: http.StatusInternalServerError}
		}
		return callbacktest.Reply{}
	})
	w.insert(w.source, 1)
	w.fleet()
	w.receiver.WaitFor(t, 2, patience)
	w.done(1)
	require.Equal(t, 2, w.receiver.Count())
	w.equal()
	sent := w.receiver.Received()
	require.NotEqual(t, sent[0].Header.Get("Webhook-Id"), sent[1].Header.Get("Webhook-Id"), "a receiver that deduplicates must not swallow the second")
}

// TestRangeIsComparedAgainWhenAFailoverForgotItsDifferences sets Redis back
// while a range is in work: to where none of its portions had been put.
func TestRangeIsComparedAgainWhenAFailoverForgotItsDifferences(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string][]int{"the last portion": {7}, "an earlier portion": {7, 11700}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.receiver.Behave(w.repairing())
			w.job.ConfirmDelay = time.Minute // nothing is called before the failover
			w.job.RangeRows = 20_000
			w.job.Lenient = true // a view has no index
			w.insert(w.source, upTo(12000)...)
			w.insert(w.far, upTo(12000)...)
			for _, id := range missing {
				w.far.Exec(t, "DELETE FROM shop WHERE id = ?", id)
			}
			// Reading row 11500, on the second page, waits for a lock.
			lock := "gate_" + w.far.Name
			w.far.Exec(t, fmt.Sprintf(`RENAME TABLE shop TO base; CREATE VIEW shop AS SELECT id, number,
				IF(id = 11500 AND GET_LOCK('%[1]s', 25) + RELEASE_LOCK('%[1]s') < 0, '', name) name, updated FROM base`, lock[:min(len(lock), 60)]))
			holder, err := w.far.DB.Conn(t.Context())
			require.NoError(t, err)
			defer holder.Close()
			_, err = holder.ExecContext(t.Context(), "DO GET_LOCK(?, 0)", lock[:min(len(lock), 60)])
			require.NoError(t, err)

			w.fleet()
			w.until(func() bool { return w.waiting(job.Confirm) == 1 }, "the first portion is put")
			r := job.Range{Scan: job.Insert, Shard: w.job.Source.Shard, UpTo: job.KeyPoint("12000")}
			require.Equal(t, "1", w.server.Client.HGet(t.Context(), w.key("range:"+r.ID()), "progress").Val())
			d := job.Difference{Destination: "far", Shard: w.job.Source.Shard, Key: "7"}
			pipe := w.server.Client.TxPipeline()
			pipe.Del(t.Context(), w.key("callbacks:confirm"), w.key("callback:"+string(d.ID())))
			pipe.HSet(t.Context(), w.key("range:"+r.ID()), "progress", "0")
			_, err = pipe.Exec(t.Context())
			require.NoError(t, err)
			_, err = holder.ExecContext(t.Context(), "DO RELEASE_LOCK(?)", lock[:min(len(lock), 60)])
			require.NoError(t, err)

			w.until(func() bool { return w.stat("ranges") == 1 }, "the range is done")
			require.EqualValues(t, len(missing), w.waiting(job.Confirm))
			for _, id := range missing {
				require.NotEmpty(t, w.item(id))
			}
			require.NotEmpty(t, w.log.lines("a range could not be compared", "a portion of the differences was lost"))
		})
	}
}

func TestRepairedRowIsClosedWithoutVerifyDelay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().VerifyDelay = time.Hour
	w.receiver.Behave(w.repairing())
	w.insert(w.source, 1, 2, 3)
	w.fleet()
	w.done(3)
	w.equal()
	require.Equal(t, 3, w.receiver.Count())
	require.EqualValues(t, 3, w.stat("delivered"))
	require.EqualValues(t, 3, w.stat("closed_equal"))
}

func TestReceiverHasVerifyDelayToRepair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().VerifyDelay = time.Second
	w.receiver.Behave(callbacktest.RepairLater(500*time.Millisecond, w.repair))
	w.insert(w.source, 1)
	w.fleet()
	called := w.receiver.WaitFor(t, 1, patience)[0]
	w.done(1)
	w.equal()
	require.GreaterOrEqual(t, time.Since(called.At), w.callback().VerifyDelay)
	require.Equal(t, 1, w.receiver.Count())
	require.EqualValues(t, 1, w.stat("closed_equal"))
}

func TestYesWithoutEffectGoesToTheSlowQueueOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, 1)
	w.fleet()
	w.until(func() bool { return w.waiting(job.Slow) == 1 }, "it waits in the slow queue")
	item := w.item(1)
	require.Equal(t, "no_effect", item["error"])
	sent := w.receiver.Received()
	require.Len(t, sent, 1)
	require.NotEqual(t, sent[0].Header.Get("Webhook-Id"), item["webhook"])
	w.alerted("kind=no_effect")
	require.EqualValues(t, 1, w.stat("no_effect"))
}

func TestYesWithoutEffectIsSentAgainUnderANewWebhookID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().SlowRetry = 300 * time.Millisecond
	w.receiver.Behave(func(n int, body callbacktest.Body) callbacktest.Reply {
		if n == 1 {
			return callbacktest.Reply{}
		}
		return w.repairing()(n, body)
	})
	w.insert(w.source, 1)
	w.fleet()
	w.receiver.WaitFor(t, 2, patience)
	w.done(1)
	sent := w.receiver.Received()
	require.Len(t, sent, 2)
	require.NotEqual(t, sent[0].Header.Get("Webhook-Id"), sent[1].Header.Get("Webhook-Id"))
	require.Equal(t, "1", sent[1].Header.Get("Cupid-Attempt"))
}

func TestRowThatIsGoneIsClosedWithoutACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.ConfirmDelay = 1500 * time.Millisecond
	w.insert(w.source, 1)
	w.fleet()
	w.until(func() bool { return w.waiting(job.Confirm) == 1 }, "the row is suspected")
	w.source.Exec(t, "DELETE FROM shop")
	w.done(1)
	require.EqualValues(t, 1, w.stat("closed_gone"))
	require.Zero(t, w.receiver.Count())
}

// TestLateWorkersRowIsLookedAtAgain pauses a worker's talk with Redis between
// its POST and its ack, for longer than its lease.
func TestLateWorkersRowIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().Timeout = time.Second
	gate := newGate(t, w.server.Addr)
	w.receiver.Behave(func(n int, body callbacktest.Body) callbacktest.Reply {
		if n == 1 {
			gate.shut()
			return callbacktest.Reply{}
		}
		return w.repairing()(n, body)
	})
	w.insert(w.source, 1)
	scheduler, late, other := w.config(w.job), w.config(w.job), w.config(w.job)
	late.Process.Lease, other.Process.Lease = 4*time.Second, 4*time.Second
	late.Redis.Addrs = []string{gate.addr}
	w.runConfig(app.Scheduler, scheduler)
	w.runConfig(app.Worker, late)
	w.receiver.WaitFor(t, 1, patience)
	w.runConfig(app.Worker, other)
	w.until(func() bool { return w.stat("closed_equal") == 1 }, "another worker has called and closed it")
	require.GreaterOrEqual(t, w.receiver.Count(), 2)

	w.far.Exec(t, "DELETE FROM shop") // the late worker's older call takes effect last
	gate.lift()
	w.until(func() bool { return w.stat("closed_equal") == 2 }, "it was found again, called and closed")
	w.done(1)
	w.equal()
	require.GreaterOrEqual(t, w.receiver.Count(), 3)
	require.NotEmpty(t, w.log.lines("answers came after the lease, the rows are looked at again"))
}

func TestTimeOutThatHadAnEffectIsReadEqualTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.callback()
	c.Timeout, c.Retry, c.VerifyDelay = time.Second, 200*time.Millisecond, 700*time.Millisecond
	w.receiver.Behave(func(_ int, body callbacktest.Body) callbacktest.Reply {
		if w.repair(body) != nil {
			return callbacktest.Reply{Status: http.StatusInternalServerError}
		}
		return callbacktest.Reply{Hang: true}
	})
	w.insert(w.source, 1)
	w.fleet()
	called := w.receiver.WaitFor(t, 1, patience)[0]
	w.until(func() bool { return w.waiting(job.Verify) == 1 }, "it was read equal once")
	require.Empty(t, w.item(1)["doubt"])
	w.done(1)
	require.GreaterOrEqual(t, time.Since(called.At), c.Timeout+c.Retry*4/5+c.VerifyDelay)
	require.Equal(t, 1, w.receiver.Count())
	require.EqualValues(t, 1, w.stat("unanswered"))
	require.EqualValues(t, 1, w.stat("closed_equal"))
}

func TestFailuresAreRetriedThreeTimesAndThenSlowly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(callbacktest.Always(http.StatusInternalServerError))
	w.insert(w.source, 1)
	w.fleet()
	w.until(func() bool { return w.waiting(job.Slow) == 1 }, "it waits in the slow queue")
	sent := w.receiver.Received()
	require.Len(t, sent, 4)
	for i, r := range sent {
		require.Equal(t, fmt.Sprint(i+1), r.Header.Get("Cupid-Attempt"))
		require.Equal(t, sent[0].Header.Get("Webhook-Id"), r.Header.Get("Webhook-Id"))
		if i > 0 {
			require.GreaterOrEqual(t, r.At.Sub(sent[i-1].At), w.callback().Retry*4/5)
		}
	}
	item := w.item(1)
	require.Equal(t, "http_500", item["error"])
	require.Equal(t, "500", item["status"])
	require.Equal(t, "4", item["attempts"])
	w.alerted("kind=slow")
}

func TestGoneReceiverParks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(callbacktest.Always(http.StatusGone))
	w.insert(w.source, 1)
	w.fleet()
	w.until(func() bool { return w.waiting(job.Parked) == 1 }, "it is parked")
	require.Equal(t, 1, w.receiver.Count())
	require.Equal(t, "http_410", w.item(1)["error"])
	w.alerted("kind=parked")
}

func TestRedirectIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(func(n int, body callbacktest.Body) callbacktest.Reply {
		if n == 1 {
			return callbacktest.Reply{Status: http.StatusFound, Header: http.Header{"Location": {w.receiver.URL + "/elsewhere"}}}
		}
		return w.repairing()(n, body)
	})
	w.insert(w.source, 1)
	w.fleet()
	w.receiver.WaitFor(t, 2, patience)
	w.done(1)
	sent := w.receiver.Received()
	require.Len(t, sent, 2)
	for _, r := range sent {
		require.Equal(t, "/", r.Path)
		require.Equal(t, http.MethodPost, r.Method)
	}
	require.Equal(t, "2", sent[1].Header.Get("Cupid-Attempt"))
}

func TestSeveralRowsForAKeyAreParkedWithoutACall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, 1, 2, 3)
	w.insert(w.far, 1, 2)
	w.far.Exec(t, "INSERT INTO shop (id, number) VALUES (11, ?)", number(1))               // twice at the destination
	w.source.Exec(t, "INSERT INTO shop (id, number, name) VALUES (12, ?, 'x')", number(2)) // twice at the source
	w.receiver.Behave(w.repairing())
	w.fleet()
	w.until(func() bool { return w.waiting(job.Parked) == 3 && w.stat("closed_equal") == 1 }, "1, 2 and 12 are parked, 3 is repaired")
	for _, id := range []int{1, 2, 12} {
		require.Equal(t, "several_rows", w.item(id)["error"])
	}
	w.until(func() bool { return len(w.log.lines("msg=alert", "kind=several")) > 0 }, "people are told")
	require.Equal(t, map[callbacktest.Key]int{{ID: "3", Type: 1}: 1}, w.receiver.Counts("id"))
}

func TestRowRepairedByHandIsClosedWhenItIsDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().SlowRetry, w.callback().Retry = 3*time.Second, 20*time.Millisecond
	w.receiver.Behave(callbacktest.Always(http.StatusServiceUnavailable))
	w.insert(w.source, 1)
	w.fleet()
	w.until(func() bool { return w.waiting(job.Slow) == 1 }, "it waits in the slow queue")
	w.insert(w.far, 1)
	w.done(1)
	require.Equal(t, 4, w.receiver.Count())
	require.EqualValues(t, 1, w.stat("closed_equal"))
}

// TestIdleWorkerTakesARangeAtOnce measures from the hint that goes out with a
// claim until the range is done.
func TestIdleWorkerTakesARangeAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet()
	w.insert(w.far, upTo(9)...)
	var claimed atomic.Int64
	hints := w.server.Client.Subscribe(t.Context(), w.prefix+"wake")
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for m := range hints.Channel() {
			if m.Payload == w.job.Name+" "+job.WakeRanges {
				claimed.Store(time.Now().UnixNano())
			}
		}
	}()
	defer func() { hints.Close(); <-heard }()
	w.until(func() bool { return w.server.Client.Exists(t.Context(), w.key("spec")).Val() == 1 }, "a leader")
	pass(5 * time.Second)

	var took []time.Duration
	for id := 1; id <= 9; id++ {
		w.insert(w.source, id)
		w.until(func() bool { return w.stat("rows") == int64(id) }, "the row is compared")
		took = append(took, time.Since(time.Unix(0, claimed.Load())))
	}
	require.Less(t, median(took), 250*time.Millisecond, took)
	t.Logf("from the claim of a range until it was done: median %s of %v", median(took), took)
}
