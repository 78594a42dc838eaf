package broker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestAPausedJobStandsStillUntilSomebodyResumesIt(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		l := f.lead("s1")
		work := state{
			"cursor": {"insert:db.user=10"}, "ranges": {r2, r1}, "callbacks:a": {"a:2", "a:1"},
			"callback:a:1": {"destination=a", "shard=db.user", "key=1", "seen=1"}, "callback:a:2": {"destination=a", "shard=db.user", "key=2"},
		}
		f.seed(work)
		inWork, calling := f.fetchRange(), f.fetchCallback()
		before := f.state()

		until, err := f.broker.Pause(ctx, Hold{Job: "db.user"}, "eva@desk", "the receiver\nis moved", 0)
		require.NoError(f, err)
		require.Zero(f, until)
		require.ErrorIs(f, l.Claim(ctx, claim("10", "20")), job.ErrPaused)
		_, err = f.FetchRanges(ctx, "w1", 1)
		require.ErrorIs(f, err, job.ErrPaused)
		_, err = f.FetchCallbacks(ctx, "a", "w1", 1)
		require.ErrorIs(f, err, job.ErrPaused)
		after := f.state()
		require.Equal(f, []string{"by=eva@desk", "why=the receiver is moved"}, after["paused"])
		delete(after, "paused")
		delete(after, "events")
		require.Equal(f, before, after, "nothing else moved")

		// What was in work ends as always.
		require.NoError(f, f.AckRange(ctx, inWork, 0, nil))
		require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: calling, To: job.Closed}))

		heard := f.hints()
		held, err := f.broker.Resume(ctx, Hold{Job: "db.user"}, "bob@desk")
		require.NoError(f, err)
		require.True(f, held)
		require.Equal(f, []string{"db.user "}, heard(), "everything is looked at")
		require.NoError(f, l.Claim(ctx, claim("10", "20")))
		f.fetchRange()
		f.fetchCallback()

		held, err = f.broker.Resume(ctx, Hold{Job: "db.user"}, "bob@desk")
		require.NoError(f, err)
		require.False(f, held)
		require.Empty(f, heard())
		require.Equal(f, []string{
			"resume bob@desk was paused by eva@desk: the receiver is moved",
			"pause eva@desk the receiver is moved",
		}, f.noted())
	})
}

// noted are the job's events, newest first.
func (f *fixture) noted() (lines []string) {
	f.Helper()
	events, err := f.broker.Events(f.Context(), f.Job(), 10)
	require.NoError(f, err)
	for _, e := range events {
		lines = append(lines, string(e.Kind)+" "+e.Who+" "+e.What)
	}
	return lines
}

func TestAPauseEndsByItself(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		f.seed(state{"ranges": {r2, r1}})
		held := func() string {
			f.Helper()
			line, err := f.held(ctx)
			require.NoError(f, err)
			return line
		}
		until, err := f.broker.Pause(ctx, Hold{}, "eva", "move", 2*time.Hour)
		require.NoError(f, err)
		require.WithinDuration(f, time.UnixMilli(f.now()).Add(2*time.Hour), until, time.Minute)
		require.Equal(f, "eva: move, until "+until.Format(time.DateTime)+" UTC", held())
		require.Equal(f, []string{"pause eva move, for 2h0m0s"}, f.noted())

		// A later pause takes the place of the earlier one, with its end.
		_, err = f.broker.Pause(ctx, Hold{}, "eva", "longer", 0)
		require.NoError(f, err)
		require.Equal(f, "eva: longer", held())

		_, err = f.broker.Pause(ctx, Hold{}, "eva", "short", time.Millisecond)
		require.NoError(f, err)
		require.Eventually(f, func() bool { return held() == "" }, 10*time.Second, time.Millisecond)
		f.fetchRange()
		resumed, err := f.broker.Resume(ctx, Hold{}, "bob")
		require.NoError(f, err)
		require.False(f, resumed, "it was over")
		require.NotContains(f, f.state(), "paused")
		require.Len(f, f.noted(), 3)
	})
}

func TestOnlyAKnownJobIsPaused(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		_, err := f.broker.Pause(f.Context(), Hold{Job: "nobody"}, "eva", "move", 0)
		require.ErrorIs(f, err, ErrRefused)
		require.ErrorContains(f, err, `this Redis knows no job "nobody"; there are: db.user`)
		_, err = f.broker.Resume(f.Context(), Hold{Job: "nobody"}, "eva")
		require.ErrorIs(f, err, ErrRefused)
		f.want(state{})
	})
}
