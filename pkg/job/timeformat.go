package job

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TimeFormat is how an update column writes a time. The zero value suits
// DATETIME and TIMESTAMP columns, whose precision the database knows.
type TimeFormat struct {
	text   string // as configured
	layout string // a Go layout, or unixSeconds, or unixMillis
}

const (
	unixSeconds = "unix"
	unixMillis  = "unixMilli"
)

// phpLetters are PHP's date letters for the parts of a time, with Go's.
var phpLetters = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'i': "04", 's': "05", 'v': "000", 'u': "000000",
}

// ParseTimeFormat reads PHP date letters ("Y-m-d H:i:s"), a Go layout
// ("2006-01-02 15:04:05"), "unix" (seconds) or "unixMilli".
// The parts must run from the year down to at least the second: a text that
// sorts otherwise cannot be scanned by range, and one that ends at the minute
// would hide a row for a minute.
func ParseTimeFormat(s string) (TimeFormat, error) {
	switch {
	case s == "":
		return TimeFormat{}, nil
	case strings.EqualFold(s, unixSeconds):
		return TimeFormat{text: s, layout: unixSeconds}, nil
	case strings.EqualFold(s, unixMillis):
		return TimeFormat{text: s, layout: unixMillis}, nil
	}
	layout := s
	if !strings.Contains(s, "2006") {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' && i+1 < len(s) { // PHP's escape for a literal letter
				i++
				b.WriteByte(s[i])
				continue
			}
			if goPart, ok := phpLetters[s[i]]; ok {
				b.WriteString(goPart)
			} else {
				b.WriteByte(s[i])
			}
		}
		layout = b.String()
	}
	if !sortable(layout) {
		return TimeFormat{}, fmt.Errorf("time format %q: want PHP letters such as \"Y-m-d H:i:s\", a Go layout such as \"2006-01-02 15:04:05\", \"unix\" or \"unixMilli\", from the year down to the second", s)
	}
	return TimeFormat{text: s, layout: layout}, nil
}

// sortable tries the layout: later times must give greater texts, and every
// time must be read back to the second.
func sortable(layout string) bool {
	steps := []time.Duration{time.Second, 59 * time.Second, time.Minute, time.Hour, 11 * time.Hour, 24 * time.Hour, 31 * 24 * time.Hour, 366 * 24 * time.Hour, 10 * 366 * 24 * time.Hour}
	t := time.Date(2019, 9, 9, 9, 9, 9, 0, time.UTC)
	for range 5 {
		for _, step := range steps {
			next := t.Add(step)
			if t.Format(layout) >= next.Format(layout) {
				return false
			}
			if back, err := time.Parse(layout, next.Format(layout)); err != nil || !back.Equal(next) {
				return false
			}
		}
		t = t.Add(50*24*time.Hour + 13*time.Hour + 7*time.Minute + 3*time.Second)
	}
	return true
}

// Native reports whether the column's own type says how it writes a time.
func (f TimeFormat) Native() bool { return f.layout == "" }

// Number reports whether the column holds a count since 1970 in UTC.
func (f TimeFormat) Number() bool { return f.layout == unixSeconds || f.layout == unixMillis }

// Unit is the smallest step of the format. Not for native formats.
func (f TimeFormat) Unit() time.Duration {
	if f.layout == unixMillis {
		return time.Millisecond
	}
	unit := time.Second
	if _, fraction, ok := strings.Cut(f.layout, "05"); ok && len(fraction) > 1 && (fraction[0] == '.' || fraction[0] == ',') {
		for _, c := range fraction[1:] {
			if c != '0' && c != '9' {
				break
			}
			unit /= 10
		}
	}
	return max(unit, time.Microsecond)
}

// Text writes t, on the wall clock of t's own location, as the column would.
func (f TimeFormat) Text(t time.Time) string {
	switch f.layout {
	case unixSeconds:
		return strconv.FormatInt(t.Unix(), 10)
	case unixMillis:
		return strconv.FormatInt(t.UnixMilli(), 10)
	default:
		return t.Format(f.layout)
	}
}

// Parse reads a text that the column wrote on the wall clock of loc.
func (f TimeFormat) Parse(s string, loc *time.Location) (time.Time, error) {
	if f.Number() {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("update time: want a number for format %q", f.text)
		}
		if f.layout == unixMillis {
			return time.UnixMilli(n).UTC(), nil
		}
		return time.Unix(n, 0).UTC(), nil
	}
	t, err := time.ParseInLocation(f.layout, s, loc)
	if err != nil {
		return time.Time{}, fmt.Errorf("update time: it does not have the format %q", f.text)
	}
	return t, nil
}

// String is the format as configured.
func (f TimeFormat) String() string { return f.text }
