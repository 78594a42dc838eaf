package job

import "time"

// Delivery is one callback about one row, ready to be sent.
type Delivery struct {
	Job         string
	Destination string
	// WebhookID stays the same over the repeats of one callback. It must not
	// hold a dot, which divides the parts of what is signed.
	WebhookID string
	// Attempt counts from 1.
	Attempt int
	Type    Type
	// Columns are in table order.
	Columns []string
	// Values are final text, one for each column; nil is null.
	Values [][]byte
	// Key are the columns that relate the row to the destination's.
	Key []string
	// Differing are the source columns whose values differ, of a row that is not missing.
	Differing []string
	// DestinationColumns and DestinationValues are the destination's row, as far
	// as it was compared; none without one.
	DestinationColumns []string
	DestinationValues  [][]byte
}

// Outcome says what the receiver has done with a delivery.
type Outcome int

// The outcomes.
const (
	// Unknown: the time-out ran out, the connection was cut, or a stop cancelled
	// the exchange. The receiver may have done the work.
	Unknown Outcome = iota
	// Delivered: a 2xx.
	Delivered
	// Gone: 410, the receiver wants no more of this.
	Gone
	// Failed: any other status. Redirects are not followed and belong here.
	Failed
	// NotSent: no connection came about, so nothing was done.
	NotSent
)

// String is the outcome for logs and as a metric label.
func (o Outcome) String() string {
	switch o {
	case Delivered:
		return "delivered"
	case Gone:
		return "gone"
	case Failed:
		return "failed"
	case NotSent:
		return "not_sent"
	default:
		return "unknown"
	}
}

// Answer is the end of one delivery.
type Answer struct {
	Outcome Outcome
	// Status is 0 when none arrived.
	Status int
	// Code is short and from a bounded set: "http_<status>"; "timeout", "cut",
	// "stopped" (unknown, or not sent); "refused", "dns", "tls", "connect_timeout",
	// "unreachable", "forbidden", "connect", "request" (not sent).
	Code string
	// RetryAfter is the header of a failed answer, 0 when it is absent or past
	// and never more than a day.
	RetryAfter time.Duration
	// Detail is for the log. It holds the address without user info and query,
	// and nothing of the body in either direction.
	Detail string
	Took   time.Duration
}
