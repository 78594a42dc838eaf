package job

// AlertKind is what an alert is about; alerts of one kind, job and destination are grouped.
type AlertKind string

// The kinds.
const (
	AlertSlow      AlertKind = "slow"      // callbacks left the fast retries
	AlertNoEffect  AlertKind = "no_effect" // the receiver says yes and repairs nothing
	AlertParked    AlertKind = "parked"    // callbacks wait for an operator
	AlertSeveral   AlertKind = "several"   // a key with several rows
	AlertStalled   AlertKind = "stalled"   // ranges that no run finishes were set aside
	AlertBreaker   AlertKind = "breaker"   // a receiver fails all the time and is left alone for a while
	AlertBacklog   AlertKind = "backlog"   // a limit is reached, claiming stands still
	AlertMemory    AlertKind = "memory"    // Redis is nearly full, claiming and comparing stand still
	AlertForgotten AlertKind = "forgotten" // Redis came back without its data, everything begins again
)

// Alert is one event that needs a person. It holds references and counts, never row values.
type Alert struct {
	Kind        AlertKind
	Job         string
	Destination string // "" when the alert is about the whole job
	// Count is how many callbacks, ranges or rows it is about; 0 counts as 1.
	Count int
	// Code is the short error code of the last failure, if any.
	Code string
	// Detail is one more sentence for people, if any.
	Detail string
}
