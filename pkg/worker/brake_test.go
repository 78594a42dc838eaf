package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func braking() job.Callback {
	c := waits
	c.Brake = 0.2
	return c
}

func TestTheBrakeHearsOfEveryPageBeforeItsDifferencesArePut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(braking())
		f.tables.source = map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}
		f.tables.far = map[string]string{"a": "1", "c": "x", "d": "4"}
		f.queue.ranges = []job.LeasedRange{whole()}
		f.queue.brakeErr = errAway // it only counts: the range goes on
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Len(t, f.queue.put, 3)
		var sum job.Share
		for _, s := range f.queue.shares {
			sum.Compared += s.Compared
			sum.Different += s.Different
		}
		require.Equal(t, job.Share{Compared: 5, Different: 3}, sum)
		require.Len(t, f.queue.acked, 1)
	})
}

func TestTheBrakeIsAskedBeforeAnythingOfABatchIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(braking())
		f.tables.source = map[string]string{"equal": "v", "missing": "v", "failed": "v"}
		f.tables.far = map[string]string{"equal": "v"}
		failed := due("failed")
		failed.Phase, failed.Attempts = job.Retry, 1
		f.queue.braked = true
		got := f.deliver(t, due("equal"), due("missing"), due("gone"), failed)
		require.Equal(t, []job.Share{{There: 1, Gone: 2}}, f.queue.shares, "only the first look after the confirm delay counts")
		require.Empty(t, f.receiver.sent)
		for key, to := range map[string]job.Phase{"equal": job.Closed, "gone": job.Closed, "missing": job.Released, "failed": job.Released} {
			require.Equal(t, to, got[key].To, key)
		}
		require.Equal(t, 1, got["failed"].Callback.Attempts, "nobody was asked")
		require.Positive(t, f.troubles, "people have to know")
	})
}

func TestNothingIsSentWhileTheBrakeCannotBeAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(braking())
		f.tables.source = map[string]string{"equal": "v", "missing": "v"}
		f.tables.far = map[string]string{"equal": "v"}
		f.queue.brakeErr = errAway
		got := f.deliver(t, due("equal"), due("missing"))
		require.Empty(t, f.receiver.sent)
		for key, s := range got {
			require.Equal(t, job.Confirm, s.To, key)
			require.Zero(t, s.Callback.Attempts, key)
		}
	})
}

func TestNobodyAsksABrakeThatIsNotThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source = map[string]string{"missing": "v"}
		f.queue.ranges = []job.LeasedRange{whole()}
		f.deliver(t, due("missing"))
		require.Len(t, f.receiver.sent, 1)
		require.Empty(t, f.queue.shares)
	})
}
