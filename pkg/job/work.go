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
	Stalls   int // runs that ended badly through no fault of the databases: see StallsAlone
	Attempts int // times it was given back with an error
	Parked   int // times it was set aside
}

// How a range that may be what kills its workers is narrowed down. A run counts
// as a stall when its lease ended after it was begun, or when it failed although
// its databases were well.
const (
	// StallsAlone is from how many stalls on a range runs with no other beside it
	// in its process, so that no other is blamed for it.
	StallsAlone = 2
	// StallsSplit is from how many stalls on it is no longer run whole but divided, or set
	// aside when it holds one row.
	StallsSplit = 3
)

// Again says how a range that failed is to be run again.
type Again struct {
	Delay time.Duration
	Code  string // why, in a word
	// Blamed says that the databases were well: it counts as a stall.
	Blamed bool
}

// ParkedRange is a range that was set aside.
type ParkedRange struct {
	ID    string    `json:"id"`
	Due   time.Time `json:"due"`   // when it is tried again by itself
	Times int       `json:"times"` // that it was set aside
	Error string    `json:"error"` // code of the last failure
}

// What a hint says to the loops of a job.
const (
	WakeRanges    = "ranges"    // a range is at hand
	WakeCallbacks = "callbacks" // a callback is at hand
	WakeDue       = "due"       // something falls due earlier than was known
	WakeAll       = ""          // hints may have been missed: look at everything
)

// Share is what was found of a destination since the last time, for its brake.
type Share struct {
	Compared, Different int // rows of a range, and those of them that differ at first sight
	There, Gone         int // differences that still are there on the second look, and that are not
}

// Counts are added to a job's counters.
type Counts map[string]int64

// Add counts n more, without a counter for what never happened.
func (c Counts) Add(name string, n int) {
	if n != 0 {
		c[name] += int64(n)
	}
}
