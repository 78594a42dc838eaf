package broker

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// brakes says whether a fifth is exceeded.
func (f *fixture) brakes(s job.Share) bool {
	f.Helper()
	held, err := f.Brake(f.Context(), "a", 0.2, s)
	require.NoError(f, err)
	return held
}

func TestTheBrakeHoldsADestinationUntilSomebodyResumesIt(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		f.lead("s1")
		f.seed(state{"callbacks:a": {"a:1"}, "callback:a:1": {"destination=a", "shard=db.user", "key=1", "seen=1"}})

		require.False(f, f.brakes(job.Share{Compared: 1000, Different: 300}))
		require.False(f, f.brakes(job.Share{There: 99}), "fewer than a hundred are no flood")
		require.True(f, f.brakes(job.Share{There: 1}))
		require.True(f, f.brakes(job.Share{}), "for every worker")

		_, err := f.FetchCallbacks(ctx, "a", "w1", 1)
		require.ErrorIs(f, err, job.ErrPaused)
		_, err = f.FetchCallbacks(ctx, "b", "w1", 1)
		require.NoError(f, err, "the other destination is not held")
		alerts, _, err := f.Alerts(ctx)
		require.NoError(f, err)
		require.Equal(f, []job.Alert{{Kind: job.AlertBrake, Job: "db.user", Destination: "a", Count: 30}}, alerts)
		jobs, err := f.broker.Jobs(ctx)
		require.NoError(f, err)
		require.Equal(f, map[string]string{"a": "brake: 30 % of the rows compared in the last minutes differ"}, jobs[0].Held)
		require.Empty(f, jobs[0].Paused)

		heard := f.hints()
		resumed, err := f.broker.Resume(ctx, Hold{Job: "db.user", Destination: "a"}, "eva")
		require.NoError(f, err)
		require.True(f, resumed)
		require.Equal(f, []string{"db.user "}, heard())
		require.Equal(f, []string{
			"resume eva a: was paused by brake: 30 % of the rows compared in the last minutes differ",
			string(job.EventBrake) + " brake a: 30 % of the rows compared in the last minutes differ",
		}, f.noted())
		require.False(f, f.brakes(job.Share{Compared: 1000, Different: 1000, There: 1000}), "whoever resumed it has seen to it")
		f.fetchCallback()
		alerts, _, err = f.Alerts(ctx)
		require.NoError(f, err)
		require.Empty(f, alerts)

		// An hour later it holds again.
		f.raw.HSet(ctx, f.keys.brake("a"), "resumed", f.now()-brakeRest.Milliseconds())
		require.True(f, f.brakes(job.Share{}))
	})
}

func TestAPipelineThatIsALittleLateDoesNotBrake(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		f.lead("s1")
		// At first sight all differ, a second later all but a tenth have come.
		require.False(f, f.brakes(job.Share{Compared: 2000, Different: 2000}))
		require.False(f, f.brakes(job.Share{There: 200, Gone: 1800}))
		// Then it stops.
		require.False(f, f.brakes(job.Share{Compared: 200, Different: 200}))
		require.True(f, f.brakes(job.Share{There: 300}))
	})
}

func TestTheBrakeForgetsWhatIsLongAgo(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		f.lead("s1")
		require.False(f, f.brakes(job.Share{Compared: 100_000, Different: 4000, There: 1000, Gone: 1}))
		at := f.now()
		back := func(d time.Duration) {
			f.raw.HSet(ctx, f.keys.brake("a"), "since", at-d.Milliseconds())
		}
		back(2*brakeHalf + time.Minute)
		require.False(f, f.brakes(job.Share{}))
		counts := f.raw.HGetAll(ctx, f.keys.brake("a")).Val()
		since, err := strconv.ParseInt(counts["since"], 10, 64)
		require.NoError(f, err)
		require.InDelta(f, f.now(), since, 60_000)
		delete(counts, "since")
		require.Equal(f, map[string]string{"compared": "25000", "different": "1000", "there": "250", "gone": "0"}, counts)

		back(1000 * 24 * time.Hour)
		require.False(f, f.brakes(job.Share{Compared: 10, Different: 10, There: 10}), "old counts are gone")
		require.Equal(f, "10", f.raw.HGet(ctx, f.keys.brake("a"), "compared").Val())
		back(-time.Hour) // the clock stepped back
		require.False(f, f.brakes(job.Share{Compared: 1}))
		require.Equal(f, "11", f.raw.HGet(ctx, f.keys.brake("a"), "compared").Val())
	})
}

func TestAPersonHoldsOneDestination(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		f.lead("s1")
		_, err := f.broker.Pause(ctx, Hold{Job: "db.user", Destination: "a"}, "eva", "it is moved", time.Hour)
		require.NoError(f, err)
		_, err = f.FetchCallbacks(ctx, "a", "w1", 1)
		require.ErrorIs(f, err, job.ErrPaused)
		require.True(f, f.brakes(job.Share{}), "what was to be sent goes back")
		alerts, _, err := f.Alerts(ctx)
		require.NoError(f, err)
		require.Empty(f, alerts, "who did it knows it")
		require.Equal(f, []string{"pause eva a: it is moved, for 1h0m0s"}, f.noted())
		_, err = f.broker.Pause(ctx, Hold{Job: "db.user", Destination: "c"}, "eva", "typing", 0)
		require.ErrorIs(f, err, ErrUnknown)
		require.ErrorContains(f, err, `job db.user has no destination "c"; there are: a b`)
	})
}
