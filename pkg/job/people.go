package job

import (
	"strings"
	"time"
)

// What follows is how a fleet looks to people.

// Process is what a process says of itself with each beat.
type Process struct {
	ID       string    `json:"id"`
	Role     string    `json:"role"` // scheduler, worker or cupid
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	Version  string    `json:"version"`
	Address  string    `json:"address"` // of its health and metrics
	Jobs     string    `json:"jobs"`
	Busy     int       `json:"busy"`      // items in work
	Quiet    string    `json:"quiet"`     // who has it fetch nothing more, and why; "" when nobody does
	Unsent   string    `json:"unsent"`    // channels of alerts that do not work from there, and why
	Refused  string    `json:"refused"`   // what of its config is not done there, and why
	RSS      int64     `json:"rss_bytes"` // resident memory
	Started  time.Time `json:"started"`
	LastBeat time.Time `json:"last_beat"`
	// Silent is how long ago that was, on the queue's clock, in seconds.
	Silent int64 `json:"silent_seconds"`
	// Stale says that beats are missing: the process was killed, hangs, or does not reach the queue.
	Stale bool `json:"stale"`
}

// State is what the queue holds of one job.
type State struct {
	Name    string `json:"name"`
	Source  string `json:"source"`  // identity: source and scan key
	Leader  string `json:"leader"`  // "" when no scheduler leads
	Retired bool   `json:"retired"` // no scheduler has it in its config
	Paused  string `json:"paused"`  // who holds it, why, and until when; "" when nobody does
	// Held are the destinations whose callbacks are held, by a person or by the brake, and why.
	Held    map[string]string `json:"held"`
	Cursors map[string]string `json:"cursors"`
	// Lag is how far each scan was behind at the leader's last beat: ids for an
	// insert scan, seconds for an update scan.
	Lag    map[string]int64 `json:"lag"`
	Depths map[string]int64 `json:"depths"`
	// Heads are the first of the queues that hold something, by the names of Depths.
	Heads map[string]Head `json:"heads"`
	// Open are all callbacks that cupid still works on; parked ones wait for a person.
	Open  int64            `json:"open"`
	Stats map[string]int64 `json:"stats"`
	// Told is what people were told of that goes on, "<kind>:<destination>", and since when they know.
	Told map[string]time.Time `json:"told"`
}

// Head is what stands first in a queue.
type Head struct {
	// Since is when its difference was first seen, or since when that callback is parked; of a
	// range when it was claimed, zero for one that was put there by hand.
	Since time.Time `json:"since,omitzero"`
	// Age is how long ago that was, on the queue's clock, in seconds.
	Age int64 `json:"age_seconds"`
	// Due is when it is tried next, or its lease ends; zero for what may be taken now, and for what waits for a person.
	Due time.Time `json:"due,omitzero"`
	// Late is for how long it has been due already, in seconds: nobody promotes it, or nobody reclaims it.
	Late int64 `json:"late_seconds"`
}

// MarkRetired marks the jobs that no scheduler names any more. Where no scheduler runs, nobody knows.
func MarkRetired(jobs []State, fleet []Process) {
	named, known := map[string]bool{}, false
	for _, p := range fleet {
		if p.Role == "worker" {
			continue
		}
		known = known || !p.Stale
		for name := range strings.FieldsSeq(p.Jobs) {
			named[name] = true
		}
	}
	for i := range jobs {
		jobs[i].Retired = known && !named[jobs[i].Name] && jobs[i].Leader == ""
	}
}

// Waiting is one open callback.
type Waiting struct {
	ID          string    `json:"id"`
	Queue       string    `json:"queue"`
	Destination string    `json:"destination"`
	Key         string    `json:"key"`
	Type        string    `json:"type"`
	Attempts    string    `json:"attempts"`
	FirstSeen   time.Time `json:"first_seen,omitzero"`
	Due         time.Time `json:"due,omitzero"` // next, or since when it is parked; the end of a lease
	Status      string    `json:"status,omitempty"`
	Error       string    `json:"error,omitempty"`
	Worker      string    `json:"worker,omitempty"`
	Hold        string    `json:"hold,omitempty"`
	Why         string    `json:"why,omitempty"`
}

// Shown is one open callback with all that the queue holds of it.
type Shown struct {
	Waiting
	Job string `json:"job"`
	// Fields are those of its hash, by their own names, but for the proof of a lease.
	Fields map[string]string `json:"fields"`
}

// Act is what a person can do with a callback.
type Act string

// The acts.
const (
	ActRetry  Act = "retry"  // due now, with all fast retries before it
	ActPark   Act = "park"   // not sent until somebody unparks it
	ActUnpark Act = "unpark" // due now
	ActDrop   Act = "drop"   // forgotten until a comparison meets the difference again
)

// NeedsReason says whether whoever looks at the events later will ask why.
func (a Act) NeedsReason() bool { return a == ActPark || a == ActDrop }

// Acted is what an act did to one callback.
type Acted string

// What an act did.
const (
	ActDone   Acted = "done"
	ActLeased Acted = "leased" // a worker has it at the moment
	ActDue    Acted = "due"    // it is due already
	ActHeld   Acted = "held"   // it is parked
	ActGone   Acted = "gone"   // it is closed
)

// WaitingRange is one range that is not done.
type WaitingRange struct {
	ID       string    `json:"id"`
	Queue    string    `json:"queue"`
	Since    time.Time `json:"since,omitzero"` // when it was claimed; zero for one that was put there by hand
	Due      time.Time `json:"due,omitzero"`   // next; the end of a lease
	Worker   string    `json:"worker,omitempty"`
	Attempts int       `json:"attempts"` // times it was given back with an error
	Stalls   int       `json:"stalls"`   // runs that ended badly through no fault of the databases
	Parked   int       `json:"parked"`   // times it was set aside
	Error    string    `json:"error,omitempty"`
}
