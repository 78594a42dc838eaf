package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// What stands in Redis when its clock was ten hours ahead and was set back: no worker,
// receiver or leader may be waited for until the clock is there again.

func TestLeasesOfAClockThatSteppedBackEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.seed(state{
			"reclaim":          {"hold=0", "last=@+600m"},
			"ranges:leased":    append(many("@+605m", upkeepBatch), r1+"@+606m"),
			"range:" + r1:      {"token=x", "begun=1"},
			"callbacks:leased": {cb + "@+605m"},
			"callback:" + cb:   {"destination=a", "token=x"},
		})
		require.Zero(f, f.takeBack().Next, "more leases are too long")
		require.InDelta(f, lease, f.takeBack().Next, float64(20*time.Second))
		leased := f.state()
		require.Contains(f, leased["ranges:leased"], r1+"@+10m")
		require.Equal(f, []string{cb + "@+10m"}, leased["callbacks:leased"])

		f.pass(3 * time.Minute)
		lost, err := f.ExtendRanges(f.Context(), map[string]string{r1: "x"})
		require.NoError(f, err)
		require.Empty(f, lost, "its worker lives")
		for range 2 {
			f.pass(3 * time.Minute)
			f.takeBack()
		}
		f.pass(2 * time.Minute)
		r := f.takeBack()
		require.Equal(f, upkeepBatch, r.Ranges)
		require.Equal(f, 1, r.Callbacks)
		require.Len(f, f.state()["ranges:leased"], 1)
	})
}

func TestALockOfAClockThatSteppedBackEnds(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		const ttl = 10 * time.Second
		gone := f.lead("died")
		for _, c := range []struct{ stands, want time.Duration }{
			{ttl / 2, ttl / 2}, {2 * ttl, 2 * ttl}, // as it was asked for, or by somebody who asks for more
			{10 * time.Hour, ttl},
		} {
			require.NoError(f, gone.Refresh(f.Context(), c.stands))
			for range shortenEvery {
				_, err := f.Lead(f.Context(), ttl, "next")
				require.ErrorIs(f, err, job.ErrLost)
			}
			left, err := f.raw.PTTL(f.Context(), f.keys.lock()).Result()
			require.NoError(f, err)
			require.InDelta(f, c.want, left, float64(2*time.Second))
		}
	})
}

func TestAReceiverIsNotKeptWaitingByAClockThatSteppedBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		e := f.broker.Endpoint(host, job.Calls{AtOnce: 8, PerSecond: 10}, time.Second)
		f.enter(e, 8, 1)
		keys := f.broker.endpointKeys(host)
		far := fmt.Sprint(time.Now().Add(10 * time.Hour).UnixMilli())
		require.NoError(f, f.raw.HSet(f.Context(), keys[0], "used", far, "rest_until", far, "open_until", far, "probe_until", far, "probe", "x", "paid", far).Err())
		require.Equal(f, 8, f.enter(e, 8, 1).Slots)
		require.Zero(f, f.enter(e, 8, 1).Slots, "the limits hold again")
	})
}

func TestADatabaseIsNotKeptWaitingByAClockThatSteppedBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		const server = "db:3306"
		hundred := job.Load{RowsPerSecond: 100}
		permits := f.broker.Permits(time.Minute)
		drained := f.broker.databaseKeys(server)[1]
		require.NoError(f, f.raw.Set(f.Context(), drained, time.Now().Add(10*time.Hour).UnixMilli(), time.Minute).Err())
		wait, err := permits.Enter(f.Context(), server, "a", hundred)
		require.NoError(f, err)
		require.Zero(f, wait)
		require.NoError(f, permits.Leave(f.Context(), server, "a", hundred, 1000))
		wait, err = permits.Enter(f.Context(), server, "b", hundred)
		require.NoError(f, err)
		require.InDelta(f, 10*time.Second, wait, float64(5*time.Second), "what is read now counts from now")
	})
}
