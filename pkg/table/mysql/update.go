package mysql

import (
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// updateColumn is the column that says when a row was last written.
type updateColumn struct {
	column
	format job.TimeFormat // not native for text and integer columns only
}

// instant reports whether the column holds an instant; else it holds the wall
// clock of whoever wrote it.
func (u *updateColumn) instant() bool { return u.kind == kindTimestamp || u.format.Number() }

// step is the smallest difference of two values.
func (u *updateColumn) step() time.Duration {
	if u.format.Native() {
		return u.unit()
	}
	return u.format.Unit()
}

// operand writes the column's value at an instant, cut to the column's step: a
// point stands for the end of that step. A wall clock is that of at's own zone.
func (u *updateColumn) operand(at time.Time) expression {
	if u.instant() {
		at = at.UTC()
	}
	switch {
	case u.format.Number():
		return expression{sql: u.format.Text(at)}
	case !u.format.Native():
		return expression{"?", []any{u.format.Text(at)}}
	default:
		return expression{"?", []any{at.Format(u.layout())}}
	}
}

// layout has as many digits of a fraction as the column.
func (u *updateColumn) layout() string {
	if u.precision == 0 {
		return secondLayout
	}
	return secondLayout + "." + strings.Repeat("0", u.precision)
}

// parse reads a value of the column and shows it in zone; false for NULL, zero
// dates and texts of another form.
func (u *updateColumn) parse(text diff.Value, zone *time.Location) (time.Time, bool) {
	var at time.Time
	var err error
	switch {
	case text == nil:
		return time.Time{}, false
	case !u.format.Native():
		at, err = u.format.Parse(string(text), zone)
	case u.instant():
		at, err = time.Parse(microLayout, string(text))
	default:
		at, err = time.ParseInLocation(microLayout, string(text), zone)
	}
	return at.In(zone), err == nil && !at.IsZero()
}

// dated leaves out rows without an update time: NULL, and zero dates, which
// sort before every time.
func (u *updateColumn) dated() expression {
	switch {
	case !u.format.Native():
		return expression{sql: u.quoted() + " IS NOT NULL"}
	case u.kind == kindTimestamp:
		return expression{sql: u.quoted() + " > '" + time.Unix(0, 0).UTC().Format(secondLayout) + "'"}
	default:
		return expression{sql: u.quoted() + " >= '" + strconv.Itoa(firstYear) + "-01-01'"}
	}
}

// firstYear is where the range of a DATETIME begins.
const firstYear = 1000
