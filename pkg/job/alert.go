package job

import "time"

// AlertKind is what an alert is about.
type AlertKind string

// The kinds.
const (
	AlertSlow      AlertKind = "slow"      // callbacks left the fast retries
	AlertNoEffect  AlertKind = "no_effect" // the receiver says yes and repairs nothing
	AlertParked    AlertKind = "parked"    // the receiver wants no more of some rows
	AlertSeveral   AlertKind = "several"   // a key with several rows
	AlertStalled   AlertKind = "stalled"   // ranges that no run finishes were set aside
	AlertBreaker   AlertKind = "breaker"   // a receiver fails all the time and is left alone for a while
	AlertBrake     AlertKind = "brake"     // too many rows of a destination differ, its callbacks are held
	AlertBacklog   AlertKind = "backlog"   // a limit is reached, claiming stands still
	AlertMemory    AlertKind = "memory"    // Redis is nearly full, claiming and comparing stand still
	AlertForgotten AlertKind = "forgotten" // Redis came back without its data, everything begins again
)

// Alert is something that needs a person, as it stands in the queue. It holds
// references and counts, never row values.
type Alert struct {
	Kind AlertKind
	Job  string // "" when it is about the whole fleet
	// Destination is that of the job, or the receiver ("host:port") of a breaker;
	// "" when the alert is about the whole job or fleet.
	Destination string
	// Count is how many callbacks or ranges it is about, or how many percent.
	Count int
	// Code is the short error code of the last failure, if any.
	Code string
	// Fading says that it is not bad enough to begin to tell of it, and not over.
	Fading bool
}

// AlertID names one thing that people are told of.
type AlertID struct {
	Job         string
	Kind        AlertKind
	Destination string
}

// ID is that of all alerts about the same.
func (a Alert) ID() AlertID { return AlertID{a.Job, a.Kind, a.Destination} }

// News is what there is to tell of an alert.
type News string

// The news.
const (
	NewsOn    News = "on"    // it began
	NewsAgain News = "again" // it goes on
	NewsOver  News = "over"  // it ended; no more is known of it than what it was about
)

// Telling is a piece of news that one process is to bring to people.
type Telling struct {
	Alert
	News News
	// First says that nobody was to tell of it before and did not.
	First bool
	// For is since when people know of it.
	For time.Duration
}
