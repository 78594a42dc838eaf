package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// again is how often people are told again in these tests; calm is a minute.
const again = 10 * time.Minute

// claimed are the news that this process is to tell, as "<kind>:<destination> <news> <count>".
func (f *fixture) claimed(alerts ...job.Alert) (news []string) {
	f.Helper()
	tellings, err := f.broker.ClaimAlerts(f.Context(), "db.user", alerts, again)
	require.NoError(f, err)
	for _, t := range tellings {
		require.Equal(f, "db.user", t.Job)
		news = append(news, fmt.Sprintf("%s %s %d", alertField(t.Alert), t.News, t.Count))
	}
	return news
}

// told claims what there is to tell and tells it.
func (f *fixture) toldOf(alerts ...job.Alert) (news []string) {
	f.Helper()
	tellings, err := f.broker.ClaimAlerts(f.Context(), "db.user", alerts, again)
	require.NoError(f, err)
	for _, t := range tellings {
		news = append(news, fmt.Sprintf("%s %s", alertField(t.Alert), t.News))
		first, err := f.broker.NoteTold(f.Context(), t)
		require.NoError(f, err)
		require.True(f, first)
	}
	return news
}

// ago lets time go by for what people were told.
func (f *fixture) ago(d time.Duration) {
	f.Helper()
	key := f.keys.told()
	for field, value := range f.raw.HGetAll(f.Context(), key).Val() {
		words := strings.Fields(value)
		for i, word := range words {
			if millisText.MatchString(word) {
				words[i] = fmt.Sprint(number(word) - d.Milliseconds())
			}
		}
		require.NoError(f, f.raw.HSet(f.Context(), key, field, strings.Join(words, " ")).Err())
	}
}

var slowAlert = job.Alert{Kind: job.AlertSlow, Job: "db.user", Destination: "a", Count: 3, Code: "http_500"}

func TestAlertsAreReadFromWhatIsSo(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		alerts, told, err := f.Alerts(f.Context())
		require.NoError(f, err)
		require.Empty(f, alerts)
		require.False(f, told)

		f.seed(state{
			"troubled:slow:a":      {"old", "new", "deleted", "healed"},
			"troubled:several:a":   {"deleted"},
			"troubled:no_effect:b": {"vain"},
			"troubled:slow:gone":   {"x"}, // a destination that is no more
			"trouble:stalled":      {r1 + "@-1m"},
			"callback:new":         {"error=http_500", "trouble=slow"},
			"callback:old":         {"error=http_500", "trouble=slow"},
			"callback:healed":      {"error=timeout"},
			"callback:vain":        {"trouble=no_effect"},
			"range:" + r1:          {"error=unreadable", "parked=1"},
			"callbacks:slow":       {"old@+1m", "new@+2m"},
			"callbacks:retry":      {"more@+1m"},
			"callbacks:b":          {"vain"},
			"told":                 {"slow:a=on 1795347106044 since 1795347106044"},
		})
		alerts, told, err = f.Alerts(f.Context())
		require.NoError(f, err)
		require.True(f, told)
		require.Equal(f, []job.Alert{
			{Kind: job.AlertSlow, Job: "db.user", Destination: "a", Count: 2, Code: "http_500"},
			{Kind: job.AlertNoEffect, Job: "db.user", Destination: "b", Count: 1},
			{Kind: job.AlertStalled, Job: "db.user", Count: 1, Code: "unreadable"},
			{Kind: job.AlertBacklog, Job: "db.user", Count: 4, Fading: true},
		}, alerts, "the limit is 5 open callbacks")
		require.Equal(f, []string{"new", "old"}, f.state()["troubled:slow:a"], "what was deleted by hand is nobody's trouble")
		require.NotContains(f, f.state(), "troubled:several:a")
		f.seed(state{"callbacks:a": {"one more"}})
		alerts, _, err = f.Alerts(f.Context())
		require.NoError(f, err)
		require.Equal(f, job.Alert{Kind: job.AlertBacklog, Job: "db.user", Count: 5}, alerts[3])
	})
}

func TestPeopleAreToldOnceThenAgainAndOfTheEnd(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.Equal(f, []string{"slow:a on"}, f.toldOf(slowAlert))
		require.Empty(f, f.toldOf(slowAlert), "people know")
		f.ago(9 * time.Minute)
		require.Empty(f, f.toldOf(slowAlert))
		f.ago(time.Minute)
		tellings, err := f.broker.ClaimAlerts(f.Context(), "db.user", []job.Alert{slowAlert}, again)
		require.NoError(f, err)
		require.Len(f, tellings, 1)
		require.Equal(f, job.NewsAgain, tellings[0].News)
		require.Equal(f, slowAlert, tellings[0].Alert)
		require.InDelta(f, 10*time.Minute, tellings[0].For, float64(30*time.Second))
		_, err = f.broker.NoteTold(f.Context(), tellings[0])
		require.NoError(f, err)

		require.Empty(f, f.toldOf(), "its end has a minute: it may be back at once")
		f.ago(time.Minute)
		require.Empty(f, f.toldOf(job.Alert{Kind: job.AlertSlow, Job: "db.user", Destination: "a", Fading: true}), "fading is not over")
		tellings, err = f.broker.ClaimAlerts(f.Context(), "db.user", nil, again)
		require.NoError(f, err)
		require.Len(f, tellings, 1)
		require.Equal(f, job.Alert{Kind: job.AlertSlow, Job: "db.user", Destination: "a"}, tellings[0].Alert)
		require.Equal(f, job.NewsOver, tellings[0].News)
		require.InDelta(f, 11*time.Minute, tellings[0].For, float64(30*time.Second))
		_, err = f.broker.NoteTold(f.Context(), tellings[0])
		require.NoError(f, err)
		require.Empty(f, f.toldOf())

		require.Empty(f, f.toldOf(slowAlert), "what comes and goes is told of once per interval")
		f.ago(9 * time.Minute)
		require.Equal(f, []string{"slow:a on"}, f.toldOf(slowAlert))
		f.ago(time.Minute)
		require.Equal(f, []string{"slow:a over"}, f.toldOf())
		f.ago(again)
		require.Empty(f, f.toldOf())
		require.NotContains(f, f.state(), "told", "nothing is kept of what is long over")
	})
}

func TestOneOfManyTells(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		const processes = 8
		claims := make(chan int, processes)
		for range processes {
			go func() {
				tellings, err := f.broker.ClaimAlerts(f.Context(), "db.user", []job.Alert{slowAlert}, again)
				if err != nil {
					f.Error(err)
				}
				claims <- len(tellings)
			}()
		}
		n := 0
		for range processes {
			n += <-claims
		}
		require.Equal(f, 1, n)
	})
}

// A process that dies before it has told leaves it to another.
func TestWhatWasNotToldIsToldByAnother(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.Equal(f, []string{"slow:a on 3"}, f.claimed(slowAlert))
		f.ago(TellWithin - 5*time.Second)
		require.Empty(f, f.claimed(slowAlert))
		f.ago(5 * time.Second)
		tellings, err := f.broker.ClaimAlerts(f.Context(), "db.user", []job.Alert{slowAlert}, again)
		require.NoError(f, err)
		require.Len(f, tellings, 1)
		require.False(f, tellings[0].First, "somebody was to tell it before")
		first, err := f.broker.NoteTold(f.Context(), tellings[0])
		require.NoError(f, err)
		require.True(f, first)
		first, err = f.broker.NoteTold(f.Context(), tellings[0])
		require.NoError(f, err)
		require.False(f, first, "a repeat, or the one that was late")
		f.want(state{"told": f.state()["told"]})
		require.Len(f, f.state()["told"], 1)

		f.ago(time.Minute)
		require.Equal(f, []string{"slow:a over 0"}, f.claimed())
		require.Empty(f, f.claimed(), "another tells the end")
		f.ago(TellWithin)
		require.Equal(f, []string{"slow:a over 0"}, f.claimed(), "or does not")
	})
}

func TestClaimThatIsNotNeededAnyMoreIsForgotten(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.Len(f, f.claimed(slowAlert), 1)
		require.Empty(f, f.claimed(), "it was over before anybody was told")
		require.NotContains(f, f.state(), "told")
		f.seed(state{"told": {"slow:a=yes", "by hand=x"}})
		require.Empty(f, f.claimed(), "what is not known here")
		require.NotContains(f, f.state(), "told")
	})
}

func TestClockThatStepsBackKeepsNobodySilent(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.Len(f, f.toldOf(slowAlert), 1)
		f.ago(-time.Hour)
		require.Equal(f, []string{"slow:a again 3"}, f.claimed(slowAlert))
		f.ago(-time.Hour)
		require.Equal(f, []string{"slow:a again 3"}, f.claimed(slowAlert), "a claim that lasts too long is none")
	})
}

// The reply is lost, and the client asks again.
func TestClaimIsRepeatedAfterALostReply(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		w := newWire(f, f.addr)
		cut := open(f, w.addr(), f.prefix)
		_, err := cut.ClaimAlerts(f.Context(), "db.user", nil, again)
		require.NoError(f, err, "the script is known from here on")
		w.cutNextReply()
		tellings, err := cut.ClaimAlerts(f.Context(), "db.user", []job.Alert{slowAlert}, again)
		require.NoError(f, err)
		require.Positive(f, w.cuts.Load())
		require.Len(f, tellings, 1)
		require.True(f, tellings[0].First)
	})
}

func TestAlertsOfTheFleet(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		alerts, told, err := f.broker.Alerts(f.Context())
		require.NoError(f, err)
		require.Empty(f, alerts)
		require.False(f, told)
		e := f.broker.Endpoint("receiver:80", job.Calls{BreakAfter: 1}, time.Second)
		entry, err := e.Enter(f.Context(), 1, 1)
		require.NoError(f, err)
		turn, err := e.Leave(f.Context(), entry, job.Round{Failures: 1, Code: "refused"})
		require.NoError(f, err)
		require.Equal(f, job.BreakerOpened, turn)
		require.NoError(f, f.broker.NoteEndpoints(f.Context(), []string{"receiver:80", "other:80"}))
		f.broker.memory.used, f.broker.memory.read = 80, time.Now()

		alerts, _, err = f.broker.Alerts(f.Context())
		require.NoError(f, err)
		require.Equal(f, []job.Alert{
			{Kind: job.AlertBreaker, Destination: "receiver:80", Count: 1, Code: "refused"},
			{Kind: job.AlertMemory, Count: 80, Fading: true},
		}, alerts)
		tellings, err := f.broker.ClaimAlerts(f.Context(), "", alerts, again)
		require.NoError(f, err)
		require.Len(f, tellings, 1)
		require.Equal(f, alerts[0], tellings[0].Alert)
		_, err = f.broker.NoteTold(f.Context(), tellings[0])
		require.NoError(f, err)
		known, err := f.broker.Told(f.Context(), "")
		require.NoError(f, err)
		require.Len(f, known, 1)
		require.WithinDuration(f, time.UnixMilli(f.now()), known["breaker:receiver:80"], time.Minute)
		_, told, err = f.broker.Alerts(f.Context())
		require.NoError(f, err)
		require.True(f, told)
	})
}
