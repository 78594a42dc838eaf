package broker

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// acting seeds one callback in every queue, and gives what acts on them.
func (f *fixture) acting() *Callbacks {
	f.Helper()
	item := func(more ...string) []string {
		return append([]string{"attempts=4", "destination=a", "key=7", "phase=slow", "seen=1", "shard=db.user", "type=1", "webhook=wh"}, more...)
	}
	f.seed(state{
		"callbacks:a":       {"due"},
		"callbacks:slow":    {"slow@+10m"},
		"callbacks:retry":   {"retry@+10m"},
		"callbacks:parked":  {"parked@now", "held@now"},
		"callbacks:leased":  {"leased@+10m"},
		"callback:due":      item(),
		"callback:slow":     item("trouble=slow"),
		"troubled:slow:a":   {"slow"},
		"callback:retry":    item(),
		"callback:parked":   item("error=http_410"),
		"callback:held":     item("hold=eva"),
		"callback:leased":   item("token=t", "worker=w1"),
		"callback:elsewhat": {"seen=1"},
	})
	require.NoError(f, f.raw.SAdd(f.Context(), f.broker.jobsKey(), f.Job()).Err())
	c, err := f.broker.Callbacks(f.Context(), f.Job())
	require.NoError(f, err)
	return c
}

var actIDs = []string{"due", "slow", "retry", "parked", "held", "leased", "none"}

func TestWhatAPersonDoesWithCallbacks(t *testing.T) {
	t.Parallel()
	for act, want := range map[job.Act]struct {
		did    map[job.Acted]int
		list   []string // callbacks:a
		parked int
		hashes int
	}{
		job.ActRetry:  {map[job.Acted]int{job.ActDone: 2, job.ActDue: 1, job.ActHeld: 2, job.ActLeased: 1, job.ActGone: 1}, []string{"retry", "slow", "due"}, 2, 7},
		job.ActUnpark: {map[job.Acted]int{job.ActDone: 2, job.ActDue: 4, job.ActGone: 1}, []string{"held", "parked", "due"}, 0, 7},
		job.ActPark:   {map[job.Acted]int{job.ActDone: 6, job.ActGone: 1}, []string{"due"}, 5, 7},
		job.ActDrop:   {map[job.Acted]int{job.ActDone: 6, job.ActGone: 1}, []string{"due"}, 0, 1},
	} {
		t.Run(string(act), func(t *testing.T) {
			t.Parallel()
			onEach(t, func(f *fixture) {
				c := f.acting()
				did, err := c.Do(f.Context(), act, "eva@host", "ticket 17", "seven of them", actIDs)
				require.NoError(f, err)
				require.Equal(f, want.did, did)
				after := f.state()
				require.Equal(f, want.list, after["callbacks:a"])
				require.Len(f, after["callbacks:parked"], want.parked)
				hashes := 0
				for name := range after {
					if f.kind(name) != "list" && f.kind(name) != "zset" && len(name) > 9 && name[:9] == "callback:" {
						hashes++
					}
				}
				require.Equal(f, want.hashes, hashes)
				if act != job.ActUnpark {
					require.Equal(f, act == job.ActRetry, len(after["troubled:slow:a"]) == 1, "people are told of it no more, unless it is only tried again")
				}
				events, err := f.broker.Events(f.Context(), f.Job(), 10)
				require.NoError(f, err)
				require.Len(f, events, 1)
				require.Equal(f, job.EventKind(act), events[0].Kind)
				require.Equal(f, "eva@host", events[0].Who)

				again, err := c.Do(f.Context(), act, "eva@host", "ticket 17", "once more", actIDs)
				require.NoError(f, err)
				require.Zero(f, again[job.ActDone]*b2i(act != job.ActPark), "done is done")
			})
		})
	}
}

// TestUnparkedCallbackWhoseReceiverSaidYesHasANewWebhookID: one that deduplicates would swallow the repeat.
func TestUnparkedCallbackWhoseReceiverSaidYesHasANewWebhookID(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		c := f.acting()
		require.NoError(f, f.raw.HSet(f.Context(), f.keys.callbackPrefix()+"held", "posted", "1").Err())
		_, err := c.Do(f.Context(), job.ActUnpark, "eva", "why", "", actIDs)
		require.NoError(f, err)
		for id, answered := range map[string]bool{"held": true, "parked": false} {
			found := f.raw.HGetAll(f.Context(), f.keys.callbackPrefix()+id).Val()
			require.NotContains(f, found, "posted")
			require.Equal(f, answered, found["webhook"] != "wh", id)
			require.Regexp(f, `^[\w-]{2,64}$`, found["webhook"])
		}
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestAWorkerLosesWhatAPersonParksOrDrops(t *testing.T) {
	t.Parallel()
	for _, act := range []job.Act{job.ActPark, job.ActDrop} {
		t.Run(string(act), func(t *testing.T) {
			t.Parallel()
			onEach(t, func(f *fixture) {
				c := f.acting()
				leased := f.fetchCallback()
				require.EqualValues(f, "due", leased.ID)
				did, err := c.Do(f.Context(), act, "eva", "why", "", []string{"due"})
				require.NoError(f, err)
				require.Equal(f, map[job.Acted]int{job.ActDone: 1}, did)
				require.Equal(f, job.SettledLost, f.settle(job.Settlement{Callback: leased, To: job.Closed}))
				require.Equal(f, act == job.ActPark, f.raw.Exists(f.Context(), f.keys.callbackPrefix()+"due").Val() == 1)
			})
		})
	}
}

func TestCallbacksAreListedInPages(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		c := f.acting()
		var ids []string
		for i := range 250 {
			id := fmt.Sprintf("many%03d", i)
			ids = append(ids, id)
			f.seed(state{"callbacks:verify": {fmt.Sprintf("%s@+%dm", id, i+1)}, "callback:" + id: {"destination=b", "shard=db.user", "key=1", "type=2"}})
		}
		var found []string
		for first := 0; ; first += 100 {
			page, err := c.List(f.Context(), "verify", "", first, 100)
			require.NoError(f, err)
			if len(page) == 0 {
				break
			}
			for _, w := range page {
				found = append(found, w.ID)
				require.Equal(f, "b", w.Destination)
				require.False(f, w.Due.IsZero())
			}
		}
		require.Equal(f, ids, found)
		due, err := c.List(f.Context(), "due", "a", 0, 10)
		require.NoError(f, err)
		require.Len(f, due, 1)
		require.Equal(f, "7", due[0].Key)
		none, err := c.List(f.Context(), "verify", "a", 0, 100)
		require.NoError(f, err)
		require.Empty(f, none)
		_, err = c.List(f.Context(), "lost", "", 0, 1)
		require.ErrorContains(f, err, `there is no queue "lost" of callbacks; want one of due, leased,`)
		_, err = f.broker.Callbacks(f.Context(), "nobody")
		require.ErrorContains(f, err, `this Redis knows no job "nobody"; there are: `+f.Job())
	})
}
