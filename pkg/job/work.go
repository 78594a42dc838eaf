package job

import "time"

// Claim is one step of a scan: the ranges between two cursors.
type Claim struct {
	Scan  Scan
	Shard Shard
	// From is the cursor that was read; nil when there was none.
	From *Point
	To   Point
	// Ranges cover (From, To]; none when the cursor only moves.
	Ranges []Range
	// Late is what the late pass has to look at again once lateCommit has
	// passed since LateSince; nil when nothing in it can still be uncommitted.
	Late      *Range
	LateSince time.Time
}

// Sample is a stretch of a scan that was claimed while transactions of its
// time could still be open; its ids or update times were taken by Since.
type Sample struct {
	Range Range
	Since time.Time
}

// LeasedRange is a range that a worker may compare until its lease ends.
type LeasedRange struct {
	ID       string
	Range    Range
	Token    string
	Stalls   int // leases that ended without an answer
	Attempts int // times it was given back with an error
}

// What a hint says to the loops of a job.
const (
	WakeRanges    = "ranges"    // a range is at hand
	WakeCallbacks = "callbacks" // a callback is at hand
	WakeDue       = "due"       // something falls due earlier than was known
	WakeAll       = ""          // hints may have been missed: look at everything
)

// Counts are added to a job's counters.
type Counts map[string]int64
