package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // hosts and images often lack zone data

	"github.com/masixun71/cupid-go/pkg/diff"
)

const (
	secondLayout = "2006-01-02 15:04:05"
	microLayout  = "2006-01-02 15:04:05.999999"
)

// clock is one look at a server's clock.
type clock struct {
	now  time.Time // UTC, microseconds
	zone *time.Location
}

// probes are instants by whose offsets zones with summer time can be told apart:
// the seasons, the weeks in which continents do not change together, and years
// before rules that are in force.
var probes = [...]string{
	"2026-01-15 12:00:00", "2026-07-15 12:00:00", "2026-03-18 12:00:00", "2026-04-02 12:00:00", "2026-10-02 12:00:00",
	"2026-10-28 12:00:00", "2006-03-20 12:00:00", "2006-10-30 12:00:00", "2012-07-15 12:00:00", "1996-10-15 12:00:00",
}

// clock reads the server's time and its zone, in one query. CONVERT_TZ with
// SYSTEM or an offset needs no zone tables; a server whose zone has a name has
// them.
func (d *Database) clock(ctx context.Context) (clock, error) {
	columns := []string{"@@global.time_zone", "@@system_time_zone", offsetSQL("UTC_TIMESTAMP()")}
	for _, probe := range probes {
		columns = append(columns, offsetSQL("CAST('"+probe+"' AS DATETIME)"))
	}
	now, more, err := d.now(ctx, columns...)
	if err != nil {
		return clock{}, err
	}
	return clock{now: now, zone: serverZone(now, more[0], more[1], more[2:])}, nil
}

// now reads the server's time and, in the same moment, what else is asked for.
func (d *Database) now(ctx context.Context, columns ...string) (now time.Time, more []diff.Value, err error) {
	const operation = "read the clock"
	asked := time.Now()
	rows, err := d.rows(ctx, operation, "SELECT "+list([]string{"UTC_TIMESTAMP(6)"}, columns))
	if err != nil {
		return time.Time{}, nil, err
	}
	if now, err = d.instant(operation, rows); err != nil {
		return time.Time{}, nil, err
	}
	d.connector.last.note(asked, now)
	return now, rows[0][1:], nil
}

// glanceAtClock reads the server's time together with what others ask at the moment.
func (d *Database) glanceAtClock(ctx context.Context) (time.Time, error) {
	const operation = "read the clock"
	asked := time.Now()
	text, err := d.glance(ctx, operation, expression{sql: "UTC_TIMESTAMP(6)"})
	if err != nil {
		return time.Time{}, err
	}
	now, err := d.instant(operation, [][]diff.Value{{text}})
	if err == nil {
		d.connector.last.note(asked, now)
	}
	return now, err
}

// instant is the time in the first column of an answer of one row.
func (d *Database) instant(operation string, rows [][]diff.Value) (time.Time, error) {
	if len(rows) != 1 {
		return time.Time{}, fmt.Errorf("%s at %s: the server gave %d rows", operation, d.address, len(rows))
	}
	at, err := time.Parse(microLayout, string(rows[0][0]))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s at %s: %w", operation, d.address, err)
	}
	return at, nil
}

// reading is the last that was read of a server's clock, by all who share its connections.
type reading struct {
	mu  sync.Mutex
	now time.Time // the server's
	at  time.Time // this process', before the server was asked
}

func (r *reading) note(asked, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asked.After(r.at) {
		r.now, r.at = now, asked
	}
}

// recent is the last reading, if it was a moment ago.
func (r *reading) recent() (now time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := time.Since(r.at)
	return r.now, !r.at.IsZero() && since >= 0 && since < recently
}

// offsetSQL is the offset of the server's zone at an instant, in seconds.
func offsetSQL(at string) string {
	return "TIMESTAMPDIFF(SECOND," + at + ",CONVERT_TZ(" + at + ",'+00:00',@@global.time_zone))"
}

// regions are zones with summer time, one for each set of rules that many share.
var regions = [...]string{
	"Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
	"America/Anchorage", "America/Halifax", "America/St_Johns", "Europe/Lisbon", "Europe/Chisinau", "Asia/Jerusalem", "Africa/Cairo",
	"America/Sao_Paulo", "America/Santiago", "Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland", "Europe/Moscow", "Europe/Istanbul",
	"America/Mexico_City",
}

// serverZone turns what a server says of its zone into one that knows its past
// and future offsets. Measured are its offsets in seconds now and at the probes.
// A name is believed only when it agrees with all of them: "EST" is the name that
// a server in New York gives to its system zone in winter, and a fixed offset in
// the zone data; "CEST" is no name there at all.
func serverZone(now time.Time, global, system diff.Value, measured []diff.Value) *time.Location {
	name := string(global)
	if strings.EqualFold(name, "SYSTEM") {
		name = string(system)
	}
	at, offsets := []time.Time{}, []int{}
	for i, text := range measured {
		seconds, err := strconv.Atoi(string(text))
		if err != nil {
			continue // the server cannot say
		}
		instant := now
		if i > 0 {
			instant, _ = time.Parse(secondLayout, probes[i-1])
		}
		at, offsets = append(at, instant), append(offsets, seconds)
	}
	agrees := func(zone *time.Location) bool {
		for i := range at {
			if _, offset := at[i].In(zone).Zone(); offset != offsets[i] {
				return false
			}
		}
		return true
	}
	if zone, ok := parseZone(name); ok && agrees(zone) {
		return zone
	}
	if len(offsets) == 0 {
		return time.UTC
	}
	for _, region := range regions {
		if zone, ok := parseZone(region); ok && len(offsets) > 1 && agrees(zone) {
			return zone
		}
	}
	return time.FixedZone(measuredNow+fixedZone(offsets[0]).String(), offsets[0])
}

// measuredNow begins the name of a zone of which only the offset of the moment is known.
const measuredNow = "now "

// ruled reports whether it is known how a zone's offset changes.
func ruled(zone *time.Location) bool {
	return zone != nil && !strings.HasPrefix(zone.String(), measuredNow)
}

// parseZone reads "+08:00", "UTC" or an IANA name.
func parseZone(name string) (*time.Location, bool) {
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		if len(name) == len("+8:00") {
			name = name[:1] + "0" + name[1:]
		}
		at, err := time.Parse("-07:00", name)
		if err != nil {
			return nil, false
		}
		_, seconds := at.Zone()
		return fixedZone(seconds), true
	}
	if name == "" || strings.EqualFold(name, "Local") {
		return nil, false // Go would take UTC, or the zone of this host
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, false
	}
	return zone, true
}

// fixedZone is the zone of an offset, named like "+08:00".
func fixedZone(seconds int) *time.Location {
	if seconds == 0 {
		return time.UTC
	}
	name := time.Time{}.In(time.FixedZone("", seconds)).Format("-07:00")
	return time.FixedZone(name, seconds)
}

// fixedOffset is the offset in seconds of a zone that has no other. Of one that
// was only measured nobody knows that.
func fixedOffset(zone *time.Location) (int, bool) {
	if name := zone.String(); zone != time.UTC && !strings.HasPrefix(name, "+") && !strings.HasPrefix(name, "-") {
		return 0, false
	}
	_, seconds := time.Time{}.In(zone).Zone()
	return seconds, true
}

// reclock shows what one zone's clock showed on that of another, with the same
// digits of a fraction. A zero date stays as it is.
func reclock(v diff.Value, from, to *time.Location) diff.Value {
	if len(v) < len(secondLayout) {
		return v
	}
	at, err := time.ParseInLocation(secondLayout, string(v[:len(secondLayout)]), from)
	if err != nil {
		return v
	}
	return append(at.In(to).AppendFormat(nil, secondLayout), v[len(secondLayout):]...)
}
