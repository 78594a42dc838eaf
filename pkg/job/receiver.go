package job

import "time"

// Calls bounds what a receiver is sent by all workers together. A zero is no limit.
type Calls struct {
	AtOnce    int // POSTs in flight
	PerSecond int
	// BreakAfter is after how many failures in a row the receiver is left alone for a while.
	BreakAfter int
}

// Entry is leave to call a receiver: so many POSTs at once, and so many in all.
type Entry struct {
	Token string
	Slots int // 0: none at the moment
	Sends int
	// Wait is in how long it is worth to ask again, where there are no slots.
	Wait time.Duration
	// Closed is when the breaker closed last; zero if it never did.
	Closed time.Time
	// Opened is since when the breaker is open; zero where it is closed.
	Opened time.Time
	// Now is the time of this entry, on the clock of the others.
	Now time.Time
}

// Round is what came of an entry.
type Round struct {
	Answered bool   // an answer came that a receiver in good health gives
	Failures int    // in a row, since the last such answer
	Code     string // of the last failure
	// Rest is how long the receiver asked to be left alone.
	Rest   time.Duration
	Unused int // sends that were not made
}

// Turn is what a round did to the breaker.
type Turn string

// The turns.
const (
	Unturned      Turn = ""
	BreakerOpened Turn = "opened"
	BreakerOpen   Turn = "open" // it was, and stays so
	BreakerClosed Turn = "closed"
)

// Receiver is how a receiver fares, for people.
type Receiver struct {
	Host     string    `json:"host"`
	State    string    `json:"state"`              // closed, open, half_open or resting
	Since    time.Time `json:"since,omitzero"`     // when it opened
	Next     time.Time `json:"next,omitzero"`      // when it is tried again
	Failures int       `json:"failures"`           // in a row
	Code     string    `json:"code,omitempty"`     // of the last failure
	InFlight int       `json:"in_flight"`          // POSTs that workers may have in flight
	LastUsed time.Time `json:"last_used,omitzero"` // when a worker last asked for it
}

// Down reports whether it fails all the time and is left alone, but for a probe now and then.
func (r Receiver) Down() bool { return r.State == "open" || r.State == "half_open" }
