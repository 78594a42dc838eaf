package job

import "time"

// EventKind is a short word for what happened.
type EventKind string

// The kinds that cupid writes by itself. What people do is named after the command.
const (
	EventAlertRaised EventKind = "alert_raised"
	EventAlertOver   EventKind = "alert_over"
	EventForgotten   EventKind = "forgotten"
	EventBrake       EventKind = "brake"
)

// Event is something that happened to a job and that somebody may want to know
// later. It holds references and counts, never row values or secrets.
type Event struct {
	At   time.Time `json:"at"`            // on the queue's clock; filled in when it is noted
	Job  string    `json:"job,omitempty"` // "" for what concerns the whole fleet
	Kind EventKind `json:"kind"`
	Who  string    `json:"who"`  // a process ("host:pid") or a person
	What string    `json:"what"` // one sentence for people
}
