package check

import (
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// Kind is what is wrong with a row.
type Kind string

// The kinds of a finding.
const (
	Missing     Kind = "missing"     // the destination lacks the row
	Different   Kind = "different"   // values differ
	Extra       Kind = "extra"       // the source lacks the row
	Respelled   Kind = "respelled"   // the destination's key is another spelling, as a collation reads it
	Several     Kind = "several"     // several rows of a side share the key
	Unexplained Kind = "unexplained" // the servers' hashes differ, no column does
)

// Finding is one key whose rows are not equal.
type Finding struct {
	Key     diff.Key
	Kind    Kind
	Columns []string // names of the source columns that differ
	// Source is the source's row of a Missing, Different or Respelled key, and
	// Target the destination's of an Extra, Different or Respelled one.
	Source, Target diff.Row
}

// Result is the outcome for one destination.
type Result struct {
	Strategy        Strategy
	SourceRows      uint64
	DestinationRows uint64
	// Found counts keys by kind. Those of Unconfirmed are counted as they looked
	// at first sight.
	Found map[Kind]uint64
	// Unconfirmed keys differed at first sight and were not read again: there
	// were too many of them, or the time was over.
	Unconfirmed uint64
	// SourceNulls and DestinationNulls are rows with NULL for what relates the
	// sides: they have no partner and never will.
	SourceNulls, DestinationNulls uint64
	// Settled keys differed at first sight and were equal when read again.
	Settled uint64
	// Bound says which bound ended the comparison before the end of the tables.
	Bound Bound
	// OneWay says that rows only at the destination were not looked for.
	OneWay bool
	Took   time.Duration
}

// Bound is what ended a comparison early.
type Bound string

// The bounds.
const (
	Whole           Bound = "" // none: the tables were compared to their end
	TimeOver        Bound = "time"
	DifferencesOver Bound = "differences"
)

// Differences is how many rows are not equal.
func (r *Result) Differences() uint64 {
	n := r.SourceNulls + r.DestinationNulls
	for _, found := range r.Found {
		n += found
	}
	return n
}

// Compared is how many source rows met a row of the destination.
func (r *Result) Compared() uint64 {
	return r.SourceRows - min(r.SourceRows, r.Found[Missing]+r.SourceNulls)
}

// Phase is what a comparison is about.
type Phase string

// The phases, in their order.
const (
	Comparing  Phase = "comparing"
	Listing    Phase = "listing" // what differs, in passes over both tables
	Confirming Phase = "confirming"
)

// Progress is how far a comparison is.
type Progress struct {
	Phase Phase
	// Done is what was looked at, and Of about how much there is: rows of both
	// sides while Comparing, passes while Listing, keys while Confirming.
	Done, Of uint64
	// Suspects are the keys that differed at first sight.
	Suspects uint64
}
