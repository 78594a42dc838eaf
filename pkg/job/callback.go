package job

import (
	"crypto/rand"
	"time"
)

// Phase is what a callback waits for.
type Phase string

// The phases, named as the sorted sets that hold the waiting callbacks.
const (
	Confirm Phase = "confirm" // a suspicion; nobody was called yet
	Verify  Phase = "verify"  // the receiver said yes, or may have acted
	Retry   Phase = "retry"   // one of the first failures
	Slow    Phase = "slow"    // failed often, or a yes that had no effect
	Parked  Phase = "parked"  // waits for a person
)

// Ends of a lease that are not a phase.
const (
	Closed   Phase = "close"
	Released Phase = "release" // back to the head of the list, no attempt counted
)

// NewWebhookID is a fresh id of what a receiver is told: random, and without the
// dot that divides the parts of what is signed.
func NewWebhookID() string { return rand.Text() }

// LeasedCallback is a callback that a worker may deliver until its lease ends:
// a reference to a row, never the row.
type LeasedCallback struct {
	ID          CallbackID
	Token       string
	Destination string
	Shard       Shard
	Key         string
	Type        Type
	SourceHash  string // of the compared source columns, when last read
	WebhookID   string
	Phase       Phase
	Seen        string // how often a comparison has met it; a close names what it was leased with
	Attempts    int    // POSTs that failed since the last yes
	FirstSeen   time.Time
	LeasedAt    time.Time // on the queue's clock, as the other times
	HotSince    time.Time // when the source row was first seen to change between two looks; zero otherwise
	Posted      bool      // the last POST was answered with a yes
	Doubt       bool      // a POST may still land: "equal" has to be read twice
	Status      string    // HTTP status of the last answer
	Error       string    // code of the last failure
	Trouble     AlertKind // what people are told of it; "" mostly
	// Stored is the callback as the queue holds it, in its own words: what is
	// equal to that need not be written again.
	Stored string
}

// Settlement says what became of a leased callback.
type Settlement struct {
	Callback LeasedCallback // as it is to be kept; ID, Token and Seen as leased
	// To is the phase in which it waits next; Closed and Released end the lease otherwise.
	To Phase
	// Delay is how long it waits.
	Delay time.Duration
	// Counters are the names of job counters, divided by blanks, that this adds one to.
	Counters string
}

// Settled is the answer to a Settlement.
type Settled string

// The answers.
const (
	SettledOK    Settled = "ok"
	SettledLost  Settled = "lost"  // somebody else leases it by now, or it is closed
	SettledAgain Settled = "again" // seen again while leased: it was not closed but waits to be confirmed
)

// Promoted is what a promotion did.
type Promoted struct {
	Moved int
	Next  time.Duration // until the next item is due; negative when none waits
}

// Reclaimed is what a reclaim took back from workers that are gone.
type Reclaimed struct {
	Ranges, Callbacks int
	Next              time.Duration // until the next lease ends; negative when nothing is leased
}
