package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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

// clock reads the server's time and its zone, in one query. CONVERT_TZ with
// SYSTEM or an offset needs no zone tables; a server whose zone has a name has
// them.
func (d *Database) clock(ctx context.Context) (clock, error) {
	const operation = "read the clock"
	rows, err := d.rows(ctx, operation,
		"SELECT UTC_TIMESTAMP(6), @@global.time_zone, @@system_time_zone,"+
			" TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@global.time_zone))")
	if err != nil {
		return clock{}, err
	}
	if len(rows) != 1 {
		return clock{}, fmt.Errorf("%s at %s: the server gave %d rows", operation, d.address, len(rows))
	}
	now, err := time.Parse(microLayout, string(rows[0][0]))
	if err != nil {
		return clock{}, fmt.Errorf("%s at %s: %w", operation, d.address, err)
	}
	return clock{now: now, zone: serverZone(now, rows[0][1], rows[0][2], rows[0][3])}, nil
}

// serverZone turns what a server says of its zone into one that knows its past
// and future offsets, where possible. A name is believed only when it agrees
// with the measured offset: "EST" is the name that a server in New York gives
// to its system zone, and a fixed offset in the zone data.
func serverZone(now time.Time, global, system, measured diff.Value) *time.Location {
	name := string(global)
	if strings.EqualFold(name, "SYSTEM") {
		name = string(system)
	}
	seconds, err := strconv.Atoi(string(measured))
	if zone, ok := parseZone(name); ok {
		if _, offset := now.In(zone).Zone(); err != nil || offset == seconds {
			return zone
		}
	}
	if err != nil {
		return time.UTC
	}
	return time.FixedZone("now "+fixedZone(seconds).String(), seconds)
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
