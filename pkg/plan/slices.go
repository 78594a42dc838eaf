package plan

import (
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// instant is the finest step of a MySQL time.
const instant = time.Microsecond

// Slices divides the stretch of time (after, upto] where the wall clock of zone
// was set, and gives both ends of each slice the offset that holds within it.
// A column that keeps a wall clock can then be read by range: in an hour that
// the clock repeats, the two slices overlap on the wall, so its rows are read
// twice and none is left out.
//
// after must lie before upto.
func Slices(after, upto job.Point, zone *time.Location) [][2]job.Point {
	var slices [][2]job.Point
	for at := after; ; {
		end := upto
		// One instant belongs to the slice before: the row written exactly when
		// the clock was set lies behind the lower end of the slice after.
		_, change := at.At.Add(instant).In(zone).ZoneBounds()
		if last := change.Add(-instant); !change.IsZero() && last.After(at.At) && last.Before(upto.At) {
			end = job.TimePoint(last)
		}
		_, offset := end.At.In(zone).Zone()
		fixed := fixedZone(offset)
		slices = append(slices, [2]job.Point{{At: at.At.In(fixed), Key: at.Key}, {At: end.At.In(fixed), Key: end.Key}})
		if end.At.Equal(upto.At) {
			return slices
		}
		at = end
	}
}

func fixedZone(offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", offset)
}

// Closed is the last moment that is over: no row can still be written with an
// update time at or before it, on a clock that shows now and a column that keeps
// steps of unit.
func Closed(now time.Time, unit time.Duration) time.Time {
	unit = max(unit, instant)
	return now.UTC().Truncate(unit).Add(-unit)
}
