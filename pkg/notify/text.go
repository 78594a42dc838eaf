// Package notify tells people that something needs them.
package notify

import (
	"fmt"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

// sentences say what happened to n things, and what there is to do.
var sentences = map[job.AlertKind]struct{ what, do string }{
	job.AlertSlow:      {"%d callback(s) failed on every fast retry and wait in the slow queue", "They are retried until they succeed. Look at the receiver."},
	job.AlertNoEffect:  {"%d callback(s) were answered with success, but the rows are still not equal", "Look at what the receiver does with the callback."},
	job.AlertParked:    {"%d callback(s) are parked and will not be sent", "The receiver answered 410 Gone, or an operator parked them."},
	job.AlertSeveral:   {"%d key(s) have several rows", "They are parked: one row for each key is wanted on both sides."},
	job.AlertStalled:   {"%d range(s) that no run finishes were set aside", "They are tried again now and then. Look at the log of the workers for what happens to them."},
	job.AlertBreaker:   {"the receiver fails all the time and is left alone for a while (opened %d time(s))", "It is tried now and then, and called again as soon as it answers. Look at the receiver."},
	job.AlertBacklog:   {"the backlog has reached its limit (%d open)", "No new rows are compared until it falls. Look at the receiver."},
	job.AlertMemory:    {"%d %% of Redis' maxmemory is used", "Nothing new is claimed or compared until it falls; callbacks are delivered. Give Redis more memory, or look at the receiver."},
	job.AlertForgotten: {"Redis came back without its data, and the job began again (%d time(s))", "Nothing is to be done for rows that are scanned again. Open callbacks of others are forgotten: look at them with cupid rescan, or by cupid check."},
}

// title is one line that names the place and what happened.
func title(a job.Alert) string {
	what := fmt.Sprintf("%s: %d", a.Kind, a.Count)
	if s, ok := sentences[a.Kind]; ok {
		what = fmt.Sprintf(s.what, a.Count)
	}
	return "cupid " + place(a) + ": " + what
}

// body is the last error and what there is to do.
func body(a job.Alert) string {
	var lines []string
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

func place(a job.Alert) string {
	if a.Destination == "" {
		return a.Job
	}
	return a.Job + " -> " + a.Destination
}
