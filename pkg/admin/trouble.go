package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Trouble is something that a person should know of.
type Trouble struct {
	Kind        TroubleKind `json:"kind"`
	Severity    Severity    `json:"severity"`
	Job         string      `json:"job,omitempty"`
	Destination string      `json:"destination,omitempty"`
	Endpoint    string      `json:"endpoint,omitempty"`
	Queue       string      `json:"queue,omitempty"` // of callbacks, where to look
	Count       int64       `json:"count,omitempty"`
	Since       time.Time   `json:"since,omitzero"`
	Detail      string      `json:"detail,omitempty"`
	Text        string      `json:"text"` // one sentence in English
}

// Severity is how much a trouble matters.
type Severity string

// The severities.
const (
	Bad     Severity = "bad"     // the work stands still, or a part of it
	Warning Severity = "warning" // it goes on, but somebody has to look
)

// TroubleKind is what a trouble is about.
type TroubleKind string

// The kinds, the worst first.
const (
	RedisDown       TroubleKind = "redis_down"
	RedisFull       TroubleKind = "redis_full"
	NoWorkers       TroubleKind = "no_workers"
	ReceiverDown    TroubleKind = "receiver_down"
	NoLeader        TroubleKind = "no_leader"
	NothingCompared TroubleKind = "nothing_compared"
	TooManyOpen     TroubleKind = "too_many_open"
	NotReady        TroubleKind = "not_ready"
	Paused          TroubleKind = "paused"
	Held            TroubleKind = "held"
	QuietProcess    TroubleKind = "quiet"
	SlowCallbacks   TroubleKind = "slow_callbacks"
	StalledRanges   TroubleKind = "stalled_ranges"
	FarBehind       TroubleKind = "far_behind"
	ParkedCallbacks TroubleKind = "parked_callbacks"
	NoEffect        TroubleKind = "no_effect"
	SeveralRows     TroubleKind = "several_rows"
	AlertsUnsent    TroubleKind = "alerts_unsent"
	ConfigRefused   TroubleKind = "config_refused"
)

var troubleOrder = []TroubleKind{
	RedisDown, RedisFull, NoWorkers, ReceiverDown, NoLeader, NothingCompared, TooManyOpen, NotReady, ConfigRefused,
	Held, Paused, QuietProcess, SlowCallbacks, NoEffect, SeveralRows, StalledRanges, FarBehind, ParkedCallbacks, AlertsUnsent,
}

const (
	// Shares of Redis' memory, in percent: from the second on nothing more is compared.
	memoryHigh, memoryFull = 75, 85
	// standstill is how long ranges may wait while none is compared.
	standstill = time.Minute
	// lateSeconds is from when on changed rows are looked at late.
	lateSeconds = 300
)

// redisDown is the trouble that nothing can be said about anything else.
func redisDown(err error) Trouble {
	return Trouble{Kind: RedisDown, Severity: Bad, Detail: err.Error(), Text: "Redis does not answer, nothing is compared or called: " + err.Error()}
}

// troubles are those of a look, with the looks before it.
func troubles(o Overview, past []sample) []Trouble {
	all := []Trouble{}
	switch {
	case o.Memory >= memoryFull:
		all = append(all, Trouble{Kind: RedisFull, Severity: Bad, Count: int64(o.Memory),
			Text: fmt.Sprintf("Redis is nearly full (%d %% of maxmemory), nothing more is compared.", o.Memory)})
	case o.Memory >= memoryHigh:
		all = append(all, Trouble{Kind: RedisFull, Severity: Warning, Count: int64(o.Memory),
			Text: fmt.Sprintf("Redis fills (%d %% of maxmemory); at %d %% nothing more is compared.", o.Memory, memoryFull)})
	}
	working := slices.ContainsFunc(o.Processes, func(p job.Process) bool { return p.Role != "scheduler" && !p.Stale })
	if !working && len(o.Jobs) > 0 {
		all = append(all, Trouble{Kind: NoWorkers, Severity: Bad, Text: "No worker runs: nothing is compared and nobody is called."})
	}
	for _, r := range o.Receivers {
		if r.Down() {
			all = append(all, receiverDown(o, r))
		}
	}
	var leaderless []string
	for _, j := range o.Jobs {
		if j.Retired {
			continue // nobody expects anything of it
		}
		found := troublesOf(j, working, o.At, past)
		if waitsForReceivers(o, j) { // which is said above: to retry now brings nothing
			found = slices.DeleteFunc(found, func(t Trouble) bool { return t.Kind == SlowCallbacks })
		}
		all = append(all, found...)
		if j.Leader == "" {
			leaderless = append(leaderless, j.Name)
		}
	}
	if n := len(leaderless); n > 0 { // all of them, when no scheduler runs
		names := strings.Join(leaderless[:min(n, 3)], ", ")
		if n > 3 {
			names += ", …"
		}
		all = append(all, Trouble{Kind: NoLeader, Severity: Bad, Job: leaderless[0], Count: int64(n), Detail: names,
			Text: fmt.Sprintf("No scheduler leads %d jobs (%s): nothing new of them is looked at.", n, names)})
	}
	all = append(all, processTroubles(o)...)
	slices.SortStableFunc(all, func(a, b Trouble) int {
		return cmp.Or(strings.Compare(string(a.Severity), string(b.Severity)),
			cmp.Compare(slices.Index(troubleOrder, a.Kind), slices.Index(troubleOrder, b.Kind)), cmp.Compare(b.Count, a.Count))
	})
	return all
}

// processTroubles are what processes say of themselves, and the one that answers of itself.
func processTroubles(o Overview) (all []Trouble) {
	for _, p := range o.Processes {
		if p.Quiet != "" {
			all = append(all, Trouble{Kind: QuietProcess, Severity: Warning, Detail: p.ID + ": " + p.Quiet,
				Text: "The process " + p.ID + " fetches nothing more, held by " + p.Quiet + "."})
		}
		if p.Unsent != "" {
			all = append(all, Trouble{Kind: AlertsUnsent, Severity: Warning, Detail: p.ID + ": " + p.Unsent,
				Text: "Alerts do not leave the process " + p.ID + ": " + p.Unsent})
		}
		if p.Refused != "" && p.ID != o.Process { // of itself it says more below
			all = append(all, Trouble{Kind: ConfigRefused, Severity: Bad, Detail: p.ID + ": " + p.Refused,
				Text: "The process " + p.ID + " does not do all of its config: " + p.Refused})
		}
	}
	for _, p := range o.NotReady {
		if p.What != "redis" && p.Why != "starting" {
			all = append(all, Trouble{Kind: NotReady, Severity: Bad, Detail: p.What + ": " + p.Why,
				Text: "The process that answers here is not ready: " + p.What + ": " + p.Why})
		}
	}
	return all
}

// waitsForReceivers says whether all receivers that a job calls are down.
func waitsForReceivers(o Overview, j Job) bool {
	calls := false
	for _, d := range j.Destinations {
		if d.Receiver == "" {
			continue
		}
		calls = true
		if !slices.ContainsFunc(o.Receivers, func(r job.Receiver) bool { return r.Host == d.Receiver && r.Down() }) {
			return false
		}
	}
	return calls
}

// receiverDown says what waits for a receiver.
func receiverDown(o Overview, r job.Receiver) Trouble {
	t := Trouble{Kind: ReceiverDown, Severity: Bad, Endpoint: r.Host, Since: r.Since, Detail: r.Code, Queue: "slow"}
	for _, j := range o.Jobs {
		if slices.ContainsFunc(j.Destinations, func(d Destination) bool { return d.Receiver == r.Host }) {
			t.Count += j.Open
			t.Job = cmp.Or(t.Job, j.Name)
			if j.Depths["callbacks:slow"] == 0 && t.Job == j.Name {
				t.Queue = "due"
			}
		}
	}
	t.Text = fmt.Sprintf("The receiver %s is down (%s) since %s UTC. Mend it: %d callbacks are open and are sent by themselves then, it is tried every half minute.",
		r.Host, cmp.Or(r.Code, "no answer"), r.Since.UTC().Format(time.DateTime), t.Count)
	return t
}

func troublesOf(j Job, working bool, now time.Time, past []sample) []Trouble {
	var all []Trouble
	add := func(kind TroubleKind, severity Severity, count int64, queue, text string, args ...any) {
		all = append(all, Trouble{Kind: kind, Severity: severity, Job: j.Name, Count: count, Queue: queue, Text: fmt.Sprintf(text, args...)})
	}
	full := j.MaxCallbacks > 0 && j.Open >= int64(j.MaxCallbacks)
	switch {
	case j.Paused != "":
		add(Paused, Warning, 0, "", "%s is paused by %s.", j.Name, j.Paused)
		all[len(all)-1].Detail = j.Paused
	case full:
		add(TooManyOpen, Bad, j.Open, longest(j), "%d callbacks of %s are open, as many as may be: nothing more is compared.", j.Open, j.Name)
	case working && stands(j, now, past):
		add(NothingCompared, Bad, j.Depths["ranges"], "", "Nothing of %s was compared for a minute, although %d ranges wait.", j.Name, j.Depths["ranges"])
	}
	for _, destination := range slices.Sorted(maps.Keys(j.Held)) {
		why := j.Held[destination]
		add(Held, Bad, j.Depths["callbacks:"+destination], "due", "The callbacks of %s (%s) are held by %s: nobody is called.", destination, j.Name, why)
		all[len(all)-1].Destination, all[len(all)-1].Detail = destination, why
	}
	if n := j.Depths["callbacks:slow"]; n > 0 {
		add(SlowCallbacks, Warning, n, "slow", "%d callbacks of %s failed again and again and are tried every ten minutes.", n, j.Name)
	}
	if n := j.Depths["ranges:parked"]; n > 0 {
		add(StalledRanges, Warning, n, "", "%d ranges of %s were set aside, because no run finishes them.", n, j.Name)
	}
	if behind := figuresOf(j).lagSeconds; behind > lateSeconds && j.Paused == "" {
		add(FarBehind, Warning, behind, "", "Changed rows of %s are looked at %s late.", j.Name, time.Duration(behind)*time.Second)
	}
	if n := j.Depths["callbacks:parked"]; n > 0 {
		add(ParkedCallbacks, Warning, n, "parked", "%d callbacks of %s are parked and wait for you.", n, j.Name)
	}
	return append(all, toldOf(j)...)
}

// toldOf are the troubles that no length of a queue shows.
func toldOf(j Job) (all []Trouble) {
	for _, field := range slices.Sorted(maps.Keys(j.Told)) {
		kind, destination, _ := strings.Cut(field, ":")
		t := Trouble{Severity: Warning, Job: j.Name, Destination: destination, Since: j.Told[field]}
		switch job.AlertKind(kind) {
		case job.AlertNoEffect:
			t.Kind, t.Queue = NoEffect, "slow"
			t.Text = fmt.Sprintf("The receiver of %s (%s) says yes, but the rows stay different: look at what it does.", destination, j.Name)
		case job.AlertSeveral:
			t.Kind, t.Queue = SeveralRows, "parked"
			t.Text = fmt.Sprintf("Several rows of %s share what relates them to %s: remove all but one, then unpark.", j.Name, destination)
		default:
			continue
		}
		all = append(all, t)
	}
	return all
}

// stands says whether ranges waited for a while and none was compared meanwhile.
func stands(j Job, now time.Time, past []sample) bool {
	if j.Depths["ranges"] == 0 {
		return false
	}
	for _, s := range slices.Backward(past) {
		then, known := s.jobs[j.Name]
		if !known || then.waiting == 0 || then.ranges != j.Stats["ranges"] {
			return false
		}
		if now.Sub(s.at) >= standstill {
			return true
		}
	}
	return false
}

// longest is the queue with most callbacks.
func longest(j Job) (queue string) {
	var most int64 = -1
	for _, name := range callbackQueues {
		n := j.Depths["callbacks:"+name]
		if name == "due" {
			for _, d := range j.Destinations {
				n += j.Depths["callbacks:"+d.Name]
			}
		}
		if n > most && name != "parked" {
			queue, most = name, n
		}
	}
	return queue
}

func isInsert(scan string) bool { return strings.HasPrefix(scan, string(job.Insert)) }
