package mysql

import (
	"fmt"
	"math/big"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// options are what a job says to overlook in a pair of columns. What does not
// fit their types is a problem: it would overlook nothing, or everything.
func (i *inspection) options(where string, from, to column, want job.ColumnOptions) diff.Options {
	o := diff.Options{Trim: want.Trim, IgnoreCase: want.IgnoreCase}
	refuse := func(option, why, mend string) {
		i.problem(where, fmt.Sprintf("column %s is %s, the source's %s is %s: %s %s", to.quoted(), to.fullType, from.quoted(), from.fullType, option, why), mend)
	}
	texts := from.kind.text() && to.kind.text()
	if want.Trim && !texts {
		refuse("trim", "is for two texts", "leave it out")
	}
	if want.IgnoreCase && !texts {
		refuse("ignoreCase", "is for two texts", "leave it out")
	}
	rule := ruleOf(from, to)
	numbers := rule == diff.Number || rule == diff.Single || rule == diff.Double
	times := from.kind.temporal() && to.kind.temporal()
	if want.Tolerance != "" {
		within, ok := new(big.Rat).SetString(want.Tolerance)
		span, err := time.ParseDuration(want.Tolerance)
		switch {
		case numbers && ok:
			o.Within = within
		case times && !ok && err == nil:
			o.Within = big.NewRat(int64(span), int64(time.Second))
		case numbers:
			refuse("a tolerance of "+want.Tolerance, "is none of numbers", "write a number such as 0.01")
		case times:
			refuse("a tolerance of "+want.Tolerance, "is none of times", "write a duration such as 2s")
		default:
			refuse("tolerance", "is for numbers and times", "leave it out")
		}
	}
	if want.Precision != nil {
		if !numbers && !times {
			refuse("precision", "is for numbers and times", "leave it out")
		}
		o.Within, o.Below = big.NewRat(1, 1), true
		for range *want.Precision {
			o.Within.Mul(o.Within, big.NewRat(1, 10))
		}
	}
	return o
}

// clocked is a pair of columns on one clock. A TIMESTAMP that meets a wall clock
// is shown on that one; of two wall clocks the one that has but one offset is
// turned into the other, as an hour that the other repeats is then both.
func (i *inspection) clocked(where string, source *Source, from, to column, name string) (left, right field) {
	left, right = field{column: from}, field{column: to}
	instants := [2]bool{from.kind == kindTimestamp, to.kind == kindTimestamp}
	if name == "" {
		left.wall, right.wall = wallOf(from, to, source.zone), wallOf(to, from, source.zone)
		return left, right
	}
	parsed, known := parseZone(name)
	clocks := (from.kind == kindDateTime || instants[0]) && (to.kind == kindDateTime || instants[1]) && instants != [2]bool{true, true}
	switch {
	case !known:
		i.problem(where, fmt.Sprintf("the zone %q of column %s is not known", name, to.quoted()), "write an offset such as +08:00 or a name such as Asia/Shanghai")
		return left, right
	case !clocks:
		i.problem(where, fmt.Sprintf("column %s is %s, the source's %s is %s: zone is for a DATETIME that meets a DATETIME or a TIMESTAMP", to.quoted(), to.fullType, from.quoted(), from.fullType), "leave it out")
		return left, right
	}
	shown := new(zone)
	shown.Store(parsed)
	own := source.zone // whose clock a DATETIME of the source shows
	if source.wall != nil {
		own = new(zone)
		own.Store(source.wall)
	}
	_, fixed := fixedOffset(own.Load())
	_, fixedThere := fixedOffset(parsed)
	switch {
	case instants[0]:
		left.wall = shown
	case instants[1]:
		right.wall = shown
	case fixed && !fixedThere:
		left.from, left.wall = own, shown
	default:
		right.from, right.wall = shown, own
	}
	return left, right
}

// advice is what to do about values that no receiver can make equal; false when
// the job says it already.
func (l lack) advice(o job.ColumnOptions) (mend string, needed bool) {
	switch {
	case l.precision && (o.Precision != nil || o.Tolerance != ""):
		return "", false
	case l.bearable:
		return "", o.Precision == nil && o.Tolerance == ""
	case l.precision:
		return fmt.Sprintf("set precision: %d for the column, or ignore: true", l.digits), true
	default:
		return "set ignore: true for the column, or " + l.mend, true
	}
}
