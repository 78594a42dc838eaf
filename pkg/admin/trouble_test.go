package admin

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// well is a fleet without a trouble.
func well() Overview {
	return Overview{
		At:        time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC),
		Processes: []job.Process{{ID: "w1", Role: "worker"}, {ID: "s1", Role: "scheduler"}},
		Receivers: []job.Receiver{{Host: "h:1", State: "closed"}},
		Jobs: []Job{{
			State: job.State{
				Name: "users", Leader: "s1", Lag: map[string]int64{"insert:db.user": 0, "update:db.user": 2},
				Depths: map[string]int64{"ranges": 3}, Stats: map[string]int64{"ranges": 10},
			},
			MaxCallbacks: 100, Destinations: []Destination{{"far", "h:1"}},
		}},
	}
}

func kinds(all []Trouble) (found []TroubleKind) {
	for _, t := range all {
		found = append(found, t.Kind)
	}
	return found
}

func TestTroubles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Overview)
		want   []TroubleKind
		text   string
	}{
		"all is well":      {func(*Overview) {}, nil, ""},
		"redis fills":      {func(o *Overview) { o.Memory = 75 }, []TroubleKind{RedisFull}, "Redis fills (75 % of maxmemory); at 85 % nothing more is compared."},
		"redis is full":    {func(o *Overview) { o.Memory = 91 }, []TroubleKind{RedisFull}, "Redis is nearly full (91 % of maxmemory), nothing more is compared."},
		"no workers":       {func(o *Overview) { o.Processes = o.Processes[1:] }, []TroubleKind{NoWorkers}, "No worker runs"},
		"one process":      {func(o *Overview) { o.Processes = []job.Process{{Role: "cupid"}} }, nil, ""},
		"nobody is needed": {func(o *Overview) { o.Processes, o.Jobs = nil, nil }, nil, ""},
		"no leader":        {func(o *Overview) { o.Jobs[0].Leader = "" }, []TroubleKind{NoLeader}, "No scheduler leads 1 jobs (users)"},
		"retired": {func(o *Overview) {
			o.Jobs[0].Leader, o.Jobs[0].Retired, o.Jobs[0].Depths["callbacks:slow"] = "", true, 7
		}, nil, ""},
		"receiver down": {func(o *Overview) {
			o.Receivers[0] = job.Receiver{Host: "h:1", State: "open", Code: "http_503", Since: o.At}
			o.Jobs[0].Open = 40
		}, []TroubleKind{ReceiverDown}, "The receiver h:1 is down (http_503) since 2026-11-28 03:00:00 UTC. Mend it: 40 callbacks are open and are sent by themselves then"},
		"slow, as its receiver is down": {func(o *Overview) {
			o.Receivers[0].State, o.Jobs[0].Depths["callbacks:slow"] = "open", 7
		}, []TroubleKind{ReceiverDown}, "The receiver h:1 is down"},
		"slow, and one of its receivers is down": {func(o *Overview) {
			o.Jobs[0].Destinations = append(o.Jobs[0].Destinations, Destination{"near", "h:2"}, Destination{"off", ""})
			o.Receivers[0].State, o.Jobs[0].Depths["callbacks:slow"] = "open", 7
		}, []TroubleKind{ReceiverDown, SlowCallbacks}, "The receiver h:1 is down"},
		"receiver is tried": {func(o *Overview) { o.Receivers[0].State = "half_open" }, []TroubleKind{ReceiverDown}, "no answer"},
		"receiver rests":    {func(o *Overview) { o.Receivers[0].State = "resting" }, nil, ""},
		"paused":            {func(o *Overview) { o.Jobs[0].Paused = "eva: ticket 7" }, []TroubleKind{Paused}, "users is paused by eva: ticket 7."},
		"full": {func(o *Overview) { o.Jobs[0].Open, o.Jobs[0].Depths["callbacks:retry"] = 100, 100 },
			[]TroubleKind{TooManyOpen}, "100 callbacks of users are open, as many as may be"},
		"quiet":            {func(o *Overview) { o.Processes[0].Quiet = "eva: the host moves" }, []TroubleKind{QuietProcess}, "The process w1 fetches nothing more, held by eva: the host moves."},
		"slow":             {func(o *Overview) { o.Jobs[0].Depths["callbacks:slow"] = 7 }, []TroubleKind{SlowCallbacks}, "7 callbacks of users failed again and again"},
		"stalled":          {func(o *Overview) { o.Jobs[0].Depths["ranges:parked"] = 1 }, []TroubleKind{StalledRanges}, "1 ranges of users were set aside"},
		"behind":           {func(o *Overview) { o.Jobs[0].Lag["update:db.user"] = 301 }, []TroubleKind{FarBehind}, "looked at 5m1s late"},
		"ids do not count": {func(o *Overview) { o.Jobs[0].Lag["insert:db.user"] = 1 << 40 }, nil, ""},
		"parked":           {func(o *Overview) { o.Jobs[0].Depths["callbacks:parked"] = 2 }, []TroubleKind{ParkedCallbacks}, "2 callbacks of users are parked"},
		"no effect":        {func(o *Overview) { o.Jobs[0].Told = map[string]time.Time{"no_effect:far": o.At, "slow:far": o.At} }, []TroubleKind{NoEffect}, "The receiver of far (users) says yes"},
		"several":          {func(o *Overview) { o.Jobs[0].Told = map[string]time.Time{"several:far": o.At} }, []TroubleKind{SeveralRows}, "Several rows of users share"},
		"unsent":           {func(o *Overview) { o.Processes[0].Unsent = "dingtalk: refused" }, []TroubleKind{AlertsUnsent}, "Alerts do not leave the process w1: dingtalk: refused"},
		"config refused": {func(o *Overview) {
			o.Process, o.Processes[0].Refused, o.Processes[1].Refused = o.Processes[1].ID, "job users: the scheduler that leads it has other columns", "said below"
		}, []TroubleKind{ConfigRefused}, "The process w1 does not do all of its config: job users: the scheduler that leads it has other columns"},
		"not ready": {func(o *Overview) {
			o.NotReady = []Problem{{"redis", "x"}, {"job a", "starting"}, {"job users", "table is missing"}}
		}, []TroubleKind{NotReady}, "job users: table is missing"},
		"the worst first": {func(o *Overview) {
			o.Jobs[0].Depths["callbacks:parked"], o.Jobs[0].Depths["callbacks:slow"] = 9, 1
			o.Processes, o.Memory = nil, 99
		}, []TroubleKind{RedisFull, NoWorkers, SlowCallbacks, ParkedCallbacks}, "Redis is nearly full"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := well()
			c.change(&o)
			found := troubles(o, nil)
			require.Equal(t, c.want, kinds(found))
			if c.text != "" {
				require.Contains(t, found[0].Text, c.text)
			}
		})
	}
	require.Contains(t, redisDown(errors.New("refused")).Text, "refused")
}

func TestNothingComparedIsARangeThatWaitsForAMinute(t *testing.T) {
	t.Parallel()
	o := well()
	past := func(waiting, ranges int64, seconds ...int) (all []sample) {
		for _, s := range seconds {
			all = append(all, sample{at: o.At.Add(-time.Duration(s) * time.Second), jobs: map[string]figures{"users": {waiting: waiting, ranges: ranges}}})
		}
		return all
	}
	for name, c := range map[string]struct {
		past []sample
		want []TroubleKind
	}{
		"for a minute":        {past(3, 10, 70, 60, 30, 0), []TroubleKind{NothingCompared}},
		"not long enough":     {past(3, 10, 50, 30, 0), nil},
		"one was compared":    {append(past(3, 9, 70, 60), past(3, 10, 30, 0)...), nil},
		"none waited between": {append(past(3, 10, 70), append(past(0, 10, 30), past(3, 10, 0)...)...), nil},
	} {
		require.Equal(t, c.want, kinds(troubles(o, c.past)), name)
	}
	o.Processes = nil
	require.Equal(t, []TroubleKind{NoWorkers}, kinds(troubles(o, past(3, 10, 70, 0))), "the reason is enough")
}

func TestWhereToLookForTheReceiverThatIsDown(t *testing.T) {
	t.Parallel()
	o := well()
	o.Receivers[0].State = "open"
	require.Equal(t, "due", troubles(o, nil)[0].Queue)
	o.Jobs[0].Depths["callbacks:slow"] = 5
	require.Equal(t, "slow", troubles(o, nil)[0].Queue)
	require.Equal(t, "users", troubles(o, nil)[0].Job)
	o.Jobs[0].Depths = map[string]int64{"callbacks:far": 9, "callbacks:retry": 3, "callbacks:parked": 50}
	require.Equal(t, "due", longest(o.Jobs[0]))
}
