// Package notify tells people that something needs them.
package notify

import (
	"fmt"
	"strings"
)

// Kind is what an alert is about; alerts of one kind, job and destination are grouped.
type Kind string

// The kinds. Any other text is allowed and shown as it is.
const (
	Slow        Kind = "slow"         // callbacks left the fast retries
	NoEffect    Kind = "no_effect"    // the receiver says yes and repairs nothing
	Parked      Kind = "parked"       // callbacks wait for an operator
	Several     Kind = "several"      // a key with several rows
	RangeParked Kind = "range_parked" // ranges wait for an operator
	Backlog     Kind = "backlog"      // a limit is reached, claiming stands still
)

// Alert is one event. It holds references and counts, never row values.
type Alert struct {
	Kind        Kind
	Job         string
	Destination string // "" when the alert is about the whole job
	// Count is how many callbacks, ranges or rows it is about; 0 counts as 1.
	Count int
	// Code is the short error code of the last failure, if any.
	Code string
	// Detail is one more sentence for people, if any.
	Detail string
}

// sentences say what happened to n things, and what there is to do.
var sentences = map[Kind]struct{ what, do string }{
	Slow:        {"%d callback(s) failed on every fast retry and wait in the slow queue", "They are retried until they succeed. Look at the receiver."},
	NoEffect:    {"%d callback(s) were answered with success, but the rows are still not equal", "Look at what the receiver does with the callback."},
	Parked:      {"%d callback(s) are parked and will not be sent", "The receiver answered 410 Gone, or an operator parked them."},
	Several:     {"%d key(s) have several rows", "They are parked: one row for each key is wanted on both sides."},
	RangeParked: {"%d range(s) could not be compared and are parked", "Look at the log of the workers."},
	Backlog:     {"the backlog has reached its limit (%d open)", "No new rows are compared until it falls. Look at the receiver."},
}

// title is one line that names the place and what happened.
func (a Alert) title() string {
	what := fmt.Sprintf("%s: %d", a.Kind, a.Count)
	if s, ok := sentences[a.Kind]; ok {
		what = fmt.Sprintf(s.what, a.Count)
	}
	return "cupid " + a.place() + ": " + what
}

// text adds the last error and what there is to do.
func (a Alert) text() string {
	lines := []string{a.title()}
	if a.Code != "" {
		lines = append(lines, "Last error: "+a.Code)
	}
	if a.Detail != "" {
		lines = append(lines, a.Detail)
	}
	if s, ok := sentences[a.Kind]; ok {
		lines = append(lines, s.do)
	}
	return strings.Join(lines, "\n\n")
}

func (a Alert) place() string {
	if a.Destination == "" {
		return a.Job
	}
	return a.Job + " -> " + a.Destination
}
