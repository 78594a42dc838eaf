package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestWhatSaysThatAReceiverIsNotWell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer job.Answer
		sick   bool
	}{
		"yes":                {job.Answer{Outcome: job.Delivered, Status: 200}, false},
		"refuses a row":      {job.Answer{Outcome: job.Failed, Status: 422}, false},
		"redirects":          {job.Answer{Outcome: job.Failed, Status: 302}, false},
		"wants no more":      {job.Answer{Outcome: job.Gone, Status: 410}, false},
		"too many":           {job.Answer{Outcome: job.Failed, Status: 429}, true},
		"its time-out":       {job.Answer{Outcome: job.Failed, Status: 408}, true},
		"fails":              {job.Answer{Outcome: job.Failed, Status: 500}, true},
		"hangs":              {job.Answer{Outcome: job.Unknown, Code: "timeout"}, true},
		"is away":            {job.Answer{Outcome: job.NotSent, Code: "refused"}, true},
		"was never asked":    {job.Answer{Outcome: job.NotSent, Code: "request"}, false},
		"was not waited for": {job.Answer{Outcome: job.Unknown, Code: "stopped"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRound(job.Entry{Token: "t", Slots: 8, Sends: 5}, 2, new(streak))
			r.begun()
			r.heard(c.answer)
			require.False(t, r.over())
			r.begun()
			r.heard(c.answer)
			require.Equal(t, c.sick, r.over(), "after two of them")
			require.Equal(t, 3, r.outcome().Unused)
		})
	}
}

func TestARoundEndsWhenTheReceiverAsksForARest(t *testing.T) {
	t.Parallel()
	r := newRound(job.Entry{Token: "t", Slots: 8, Sends: 5}, 10, new(streak))
	r.heard(job.Answer{Outcome: job.Failed, Status: 503, RetryAfter: 48 * time.Hour})
	require.True(t, r.over())
	require.Equal(t, longestRetryAfter, r.outcome().Rest, "within a bound")
}

func TestAProbeThatFailsIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	r := newRound(job.Entry{Token: "t", Slots: 1, Sends: 1, Opened: time.Now()}, 10, new(streak))
	r.heard(job.Answer{Outcome: job.NotSent, Code: "refused"})
	require.True(t, r.over())
}

func TestRoundsInHandEndWhenTheBreakerHasOpened(t *testing.T) {
	t.Parallel()
	var s streak
	one, other := newRound(job.Entry{Token: "1", Slots: 8, Sends: 100}, 10, &s), newRound(job.Entry{Token: "2", Slots: 8, Sends: 100}, 10, &s)
	s.open.Store(true)
	require.True(t, one.over())
	require.True(t, other.over())
	probe := newRound(job.Entry{Token: "3", Slots: 1, Sends: 1, Opened: time.Now()}, 10, &s)
	require.False(t, probe.over())
}
