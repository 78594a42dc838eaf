package job

import (
	"fmt"
	"math/big"
	"strings"
	"time"
)

// Point is a place in the order of a scan. The zero Point is open: before the
// first row as a lower end, after the last row as an upper end.
//
// An insert scan orders by the scan key: Key has one value and At is zero.
// An update scan orders by update time, then primary key. With Key the point is
// that row; without, it is the end of that instant, behind every row of it. So
// "(after, upto]" means the same for both.
//
// At carries the offset of the wall clock that the update column shows, so a
// range can be run from its id alone, whatever the zone of who runs it.
type Point struct {
	At  time.Time
	Key []string
}

// KeyPoint is a place in an insert scan.
func KeyPoint(key string) Point { return Point{Key: []string{key}} }

// TimePoint is the end of an instant in an update scan.
func TimePoint(at time.Time) Point { return Point{At: at} }

// Open reports whether p has no bound.
func (p Point) Open() bool { return p.At.IsZero() && len(p.Key) == 0 }

// Timed reports whether p is a place in an update scan.
func (p Point) Timed() bool { return !p.At.IsZero() }

// Integer is the key as a whole number, of any size; false where it is none, or not one column.
func (p Point) Integer() (*big.Int, bool) {
	if len(p.Key) != 1 {
		return nil, false
	}
	return new(big.Int).SetString(p.Key[0], 10)
}

// UTC is p with its instant shown in UTC, the form in which cursors are kept.
func (p Point) UTC() Point {
	if p.Timed() {
		p.At = p.At.UTC()
	}
	return p
}

// String is the text form: "" when open, "1000", "ab%2Fc",
// "2026-11-22T10:00:04Z", "2026-11-22T10:00:04+08:00/1000".
func (p Point) String() string {
	parts := make([]string, len(p.Key))
	for i, k := range p.Key {
		parts[i] = escape(k)
	}
	keys := strings.Join(parts, ",")
	switch {
	case !p.Timed():
		return keys
	case keys == "":
		return p.At.Format(time.RFC3339Nano)
	default:
		return p.At.Format(time.RFC3339Nano) + "/" + keys
	}
}

// ParsePoint reads the text form. Only times hold a colon, so the two kinds
// cannot be mistaken for each other.
func ParsePoint(s string) (Point, error) {
	if s == "" {
		return Point{}, nil
	}
	var p Point
	keys := s
	if strings.Contains(s, ":") {
		at, rest, hasKey := strings.Cut(s, "/")
		t, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			return Point{}, fmt.Errorf("time %q: want the form 2006-01-02T15:04:05Z: %w", at, err)
		}
		year := t.UTC().Year() // cursors are kept in UTC, in four digits too
		if t.IsZero() || t.Format(time.RFC3339Nano) != at || year < 1 || year > 9999 {
			return Point{}, fmt.Errorf("time %q: want the form 2006-01-02T15:04:05Z", at)
		}
		p.At = t
		if !hasKey {
			return p, nil
		}
		keys = rest
	}
	for part := range strings.SplitSeq(keys, ",") {
		k, err := unescape(part)
		if err != nil {
			return Point{}, err
		}
		p.Key = append(p.Key, k)
	}
	return p, nil
}
