package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

var (
	leasedAt  = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	testRules = rules{confirm: time.Second, hotBound: time.Minute, callback: waits}
	phases    = []job.Phase{job.Confirm, job.Verify, job.Retry, job.Slow}
)

// callback is one that was leased in a phase, with every flag combination's fields set.
func callback(phase job.Phase, posted, doubt bool) job.LeasedCallback {
	return job.LeasedCallback{
		ID: "far:db.shop:7", Token: "t", Seen: "1", Key: "7", Type: job.Missing, Phase: phase, Posted: posted, Doubt: doubt,
		SourceHash: "old", WebhookID: "w1", Attempts: 2, LeasedAt: leasedAt,
	}
}

// everyCallback runs check for each phase and each combination of flags.
func everyCallback(check func(c job.LeasedCallback)) {
	for _, phase := range phases {
		for _, posted := range []bool{false, true} {
			for _, doubt := range []bool{false, true} {
				check(callback(phase, posted, doubt))
			}
		}
	}
}

func TestDecideClosesWhatIsGoneWhateverElseHolds(t *testing.T) {
	t.Parallel()
	everyCallback(func(c job.LeasedCallback) {
		d := decide(c, reading{gone: true}, testRules)
		require.Equal(t, settled(c, job.Closed, 0, countClosedGone), d)
	})
}

func TestDecideParksSeveralRowsAndTellsPeople(t *testing.T) {
	t.Parallel()
	for _, verdict := range []diff.Verdict{diff.Equal, diff.Missing, diff.Different, diff.Several} {
		everyCallback(func(c job.LeasedCallback) {
			d := decide(c, reading{several: true, verdict: verdict, hash: "new"}, testRules)
			c.Error, c.Trouble = "several_rows", job.AlertSeveral
			require.Equal(t, settled(c, job.Parked, 0, countSeveral), d)
		})
	}
}

func TestDecideClosesEqualRowsAfterTwoReadingsWhereThereIsDoubt(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{"old", "new"} { // a change does not matter once both sides are equal
		everyCallback(func(c job.LeasedCallback) {
			d := decide(c, reading{verdict: diff.Equal, hash: hash}, testRules)
			if !c.Doubt {
				require.Equal(t, settled(c, job.Closed, 0, countClosedEqual), d)
				return
			}
			c.Doubt = false
			require.Equal(t, settled(c, job.Verify, waits.VerifyDelay, ""), d)

			again := d.settle.Callback
			again.Phase = job.Verify
			require.Equal(t, job.Closed, decide(again, reading{verdict: diff.Equal, hash: hash}, testRules).settle.To)
		})
	}
}

func TestDecideSendsADifferenceWithTheTypeOfTheLastReading(t *testing.T) {
	t.Parallel()
	for verdict, kind := range map[diff.Verdict]job.Type{diff.Missing: job.Missing, diff.Different: job.Different} {
		for _, hash := range []string{"", "old"} { // no hash yet, and an unchanged one
			everyCallback(func(c job.LeasedCallback) {
				if c.Phase == job.Verify && c.Posted {
					return // no effect
				}
				c.SourceHash, c.HotSince = hash, leasedAt.Add(-5*time.Second)
				d := decide(c, reading{verdict: verdict, hash: "old"}, testRules)
				require.Nil(t, d.settle)
				c.Type, c.SourceHash, c.HotSince = kind, "old", time.Time{}
				require.Equal(t, decision{next: c}, d)
			})
		}
	}
}

func TestDecideMovesAYesWithoutEffectToTheSlowQueueUnderANewWebhookID(t *testing.T) {
	t.Parallel()
	for _, verdict := range []diff.Verdict{diff.Missing, diff.Different} {
		for _, doubt := range []bool{false, true} {
			c := callback(job.Verify, true, doubt)
			d := decide(c, reading{verdict: verdict, hash: "old"}, testRules)
			require.Equal(t, job.Slow, d.settle.To)
			require.InDelta(t, waits.SlowRetry, d.settle.Delay, float64(waits.SlowRetry)/5)
			require.Equal(t, countNoEffect, d.settle.Counters)
			kept := d.settle.Callback
			require.Equal(t, job.AlertNoEffect, kept.Trouble)
			require.Equal(t, "no_effect", kept.Error)
			require.NotEqual(t, c.WebhookID, kept.WebhookID)
			require.NotContains(t, kept.WebhookID, ".")
			require.False(t, kept.Posted)
			require.Equal(t, doubt, kept.Doubt)
			require.Zero(t, kept.Attempts)
		}
	}
}

func TestDecideWaitsForAHotRow(t *testing.T) {
	t.Parallel()
	for _, verdict := range []diff.Verdict{diff.Missing, diff.Different} {
		everyCallback(func(c job.LeasedCallback) {
			d := decide(c, reading{verdict: verdict, hash: "new"}, testRules)
			require.Equal(t, job.Confirm, d.settle.To)
			require.Equal(t, testRules.confirm, d.settle.Delay)
			require.Equal(t, countHot, d.settle.Counters)
			kept := d.settle.Callback
			require.Equal(t, "new", kept.SourceHash)
			require.Equal(t, typeOf(verdict), kept.Type)
			require.Equal(t, leasedAt, kept.HotSince)
			require.Equal(t, c.Doubt, kept.Doubt)
			require.False(t, kept.Posted, "the yes was about an older row")
			require.Equal(t, c.Posted, kept.WebhookID != c.WebhookID, "new after a yes, the same otherwise")
		})
	}
}

func TestHotRowIsCalledBeyondTheBoundAndCounted(t *testing.T) {
	t.Parallel()
	for since, waitsOn := range map[time.Duration]bool{
		0: true, time.Second: true, time.Minute - time.Millisecond: true, time.Minute: false, time.Hour: false,
	} {
		c := callback(job.Confirm, false, false)
		c.HotSince = leasedAt.Add(-since)
		d := decide(c, reading{verdict: diff.Different, hash: "new"}, testRules)
		if waitsOn {
			require.Equal(t, job.Confirm, d.settle.To, since)
			require.Equal(t, c.HotSince, d.settle.Callback.HotSince, "the bound counts from the first change")
			continue
		}
		require.Nil(t, d.settle, since)
		answer := answered(d.next, yes, testRules)
		require.Equal(t, countDelivered+" "+countHotBound, answer.settle.Counters)
		require.Zero(t, answer.settle.Callback.HotSince)
	}
}

func TestHotRowWithoutABoundIsNeverCalledUnderAWebhookIDThatGotAYes(t *testing.T) {
	t.Parallel()
	none := testRules
	none.hotBound = 0
	c := callback(job.Verify, true, false)
	d := decide(c, reading{verdict: diff.Different, hash: "new"}, none)
	require.Nil(t, d.settle)
	require.NotEqual(t, c.WebhookID, d.next.WebhookID)
}

func TestSendableWaitsForARowThatChangedSinceItWasCompared(t *testing.T) {
	t.Parallel()
	c := callback(job.Retry, false, false)
	require.Equal(t, decision{next: c}, sendable(c, "old", testRules))

	d := sendable(c, "new", testRules)
	require.Equal(t, job.Confirm, d.settle.To)
	require.Equal(t, leasedAt, d.settle.Callback.HotSince)
	require.Equal(t, "new", d.settle.Callback.SourceHash)

	c.HotSince = leasedAt.Add(-time.Minute) // beyond the bound today's row is sent whatever it holds
	d = sendable(c, "new", testRules)
	require.Nil(t, d.settle)
	require.Equal(t, "new", d.next.SourceHash)
}

func TestAnsweredYes(t *testing.T) {
	t.Parallel()
	everyCallback(func(c job.LeasedCallback) {
		c.Error = "http_500"
		d := answered(c, yes, testRules)
		want := c
		want.Attempts, want.Error, want.Status, want.Posted = 0, "", "200", true
		require.Equal(t, settled(want, job.Verify, waits.VerifyDelay, countDelivered), d)

		unverified := testRules
		unverified.callback.Verify = false
		require.Equal(t, settled(want, job.Closed, 0, countDelivered+" "+countClosedUnverified), answered(c, yes, unverified))
	})
}

func TestAnsweredGoneParks(t *testing.T) {
	t.Parallel()
	everyCallback(func(c job.LeasedCallback) {
		d := answered(c, job.Answer{Outcome: job.Gone, Status: 410, Code: "http_410"}, testRules)
		require.Equal(t, job.Parked, d.settle.To)
		require.Equal(t, "http_410", d.settle.Callback.Error)
		require.Equal(t, "410", d.settle.Callback.Status)
		require.Equal(t, countGone, d.settle.Counters)
		require.Equal(t, job.AlertParked, d.settle.Callback.Trouble)
	})
}

func TestAnsweredFailures(t *testing.T) {
	t.Parallel()
	for _, a := range []job.Answer{
		{Outcome: job.Failed, Status: 500, Code: "http_500"},
		{Outcome: job.Failed, Status: 302, Code: "http_302"},
		{Outcome: job.NotSent, Code: "refused"},
		{Outcome: job.Unknown, Code: "timeout"},
		{Outcome: job.Unknown, Code: "cut"},
	} {
		for attempt := 1; attempt <= 5; attempt++ {
			for _, doubt := range []bool{false, true} {
				c := callback(job.Confirm, true, doubt)
				c.Attempts = attempt - 1
				d := answered(c, a, testRules)
				kept := d.settle.Callback
				require.Equal(t, attempt, kept.Attempts)
				require.Equal(t, "w1", kept.WebhookID, "a repeat after a failure is the same callback")
				require.Equal(t, a.Code, kept.Error)
				require.Equal(t, statusText(a.Status), kept.Status)
				require.False(t, kept.Posted)
				require.Equal(t, doubt || a.Outcome == job.Unknown, kept.Doubt, "a failure does not clear an older doubt")

				to, wait, trouble := job.Retry, waits.Retry, job.AlertKind("")
				if attempt > 3 {
					to, wait, trouble = job.Slow, waits.SlowRetry, job.AlertSlow
				}
				require.Equal(t, to, d.settle.To, "%s, attempt %d", a.Code, attempt)
				require.InDelta(t, wait, d.settle.Delay, float64(wait)/5)
				require.Equal(t, trouble, kept.Trouble)
				counter := countFailed
				if a.Outcome == job.Unknown {
					counter = countUnknown
				}
				require.Equal(t, counter, d.settle.Counters)
			}
		}
	}
}

func TestAnsweredStopCountsNoAttemptAndLeavesDoubt(t *testing.T) {
	t.Parallel()
	everyCallback(func(c job.LeasedCallback) {
		d := answered(c, job.Answer{Outcome: job.Unknown, Code: stoppedCode}, testRules)
		want := c
		want.Doubt, want.Posted, want.Status = true, false, ""
		require.Equal(t, settled(want, job.Released, 0, ""), d)
	})
}

func TestRetryAfterIsHonouredWithinBounds(t *testing.T) {
	t.Parallel()
	for asked, want := range map[time.Duration]time.Duration{
		-time.Hour: waits.Retry, 0: waits.Retry, time.Second: waits.Retry, // never sooner than without
		time.Minute: time.Minute, time.Hour: time.Hour,
		2 * time.Hour: time.Hour, 24 * time.Hour: time.Hour,
	} {
		d := answered(callback(job.Confirm, false, false), job.Answer{Outcome: job.Failed, Status: 503, RetryAfter: asked}, testRules)
		require.InDelta(t, want, d.settle.Delay, float64(waits.Retry)/5, asked)
		if want > waits.Retry {
			require.Equal(t, want, d.settle.Delay)
		}
	}
}

func TestWebhookIDsAreUniqueAndWithoutADot(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := job.NewWebhookID()
		require.False(t, seen[id])
		require.NotContains(t, id, ".")
		seen[id] = true
	}
}

// What people are told of a callback ends with what proves it over, and no sooner.
func TestTroubleEndsWithItsReason(t *testing.T) {
	t.Parallel()
	no := job.Answer{Outcome: job.Failed, Status: 500, Code: "http_500"}
	for trouble, after := range map[job.AlertKind]struct{ yes, no, equal job.AlertKind }{
		"":                {},
		job.AlertSlow:     {no: job.AlertSlow},
		job.AlertNoEffect: {yes: job.AlertNoEffect, no: job.AlertNoEffect},
		job.AlertParked:   {}, // a person brought it back
		job.AlertSeveral:  {},
	} {
		c := callback(job.Slow, false, true)
		c.Trouble, c.Attempts = trouble, 0
		require.Equal(t, after.yes, answered(c, yes, testRules).settle.Callback.Trouble, trouble)
		require.Equal(t, after.no, answered(c, no, testRules).settle.Callback.Trouble, trouble)
		require.Equal(t, after.equal, decide(c, reading{verdict: diff.Equal, hash: "old"}, testRules).settle.Callback.Trouble, trouble)
		require.Equal(t, trouble, putOff(c).settle.Callback.Trouble, "nothing was learnt")
		require.Equal(t, trouble, decide(c, reading{verdict: diff.Missing, hash: "new"}, testRules).settle.Callback.Trouble, "nor while it is hot")
	}
}
