package plan_test

import (
	"testing"
	"time"
	_ "time/tzdata" // test hosts may have no zone data

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

// wall is the wall clock of an instant as a number that forgets the zone, as a DATETIME does.
func wall(at time.Time) time.Time {
	_, offset := at.Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// near draws an instant near one at which the clock is set, if the zone ever sets it.
func near(t *rapid.T, zone *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(1_000_000_000, 2_100_000_000).Draw(t, "at"), 0)
	if _, change := at.In(zone).ZoneBounds(); !change.IsZero() {
		at = change
	}
	return at.Add(time.Duration(rapid.Int64Range(-3*3600, 3*3600).Draw(t, "offset")) * time.Second)
}

func TestEveryWallClockLiesInASlice(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe",
		"Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu",
	} {
		zone := location(t, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) { sliced(t, zone) })
		})
	}
}

func sliced(t *rapid.T, zone *time.Location) {
	unit := rapid.SampledFrom([]time.Duration{time.Second, time.Millisecond, time.Microsecond}).Draw(t, "unit")
	after := near(t, zone).Add(time.Duration(rapid.Int64Range(0, 999_999).Draw(t, "µs")) * time.Microsecond).Truncate(unit)
	length := time.Duration(rapid.Int64Range(1, 400*24*3600).Draw(t, "length")) * time.Second
	if rapid.Bool().Draw(t, "short") {
		length = time.Duration(rapid.Int64Range(1, 5000).Draw(t, "units")) * unit
	}
	upto := after.Add(length)
	slices := plan.Slices(job.TimePoint(after), job.TimePoint(upto), zone)

	require.True(t, slices[0][0].At.Equal(after))
	require.True(t, slices[len(slices)-1][1].At.Equal(upto))
	for i, s := range slices {
		require.True(t, s[0].At.Before(s[1].At))
		if i > 0 {
			require.True(t, s[0].At.Equal(slices[i-1][1].At), "slices follow each other")
		}
		// The lower end is exclusive: what the clock showed there is the slice before's.
		_, first := s[0].At.Add(time.Microsecond).In(zone).Zone()
		_, last := s[1].At.In(zone).Zone()
		require.Equal(t, first, last, "the offset changes within a slice")
		for _, p := range s {
			_, shown := p.At.Zone()
			require.Equal(t, last, shown)
		}
	}
	for range 20 {
		at := after.Add(time.Duration(rapid.Int64Range(1, int64(length/time.Microsecond)).Draw(t, "row")) * time.Microsecond)
		written := wall(at.In(zone)).Truncate(unit)
		if !at.Truncate(unit).After(after) {
			continue // its column shows after itself: it belongs to the stretch before
		}
		in := false
		for _, s := range slices {
			in = in || written.After(wall(s[0].At)) && !written.After(wall(s[1].At))
		}
		require.True(t, in, "a row written at %s lies in no slice of %v", at.In(zone), slices)
	}
}

func TestSlicesAtAChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, after, upto, want string }{
		{"Asia/Shanghai", "2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", "2026-01-01T08:00:00+08:00..2026-12-31T08:00:00+08:00"},
		{"UTC", "2026-11-22T10:00:00Z", "2026-11-22T10:00:05Z", "2026-11-22T10:00:00Z..2026-11-22T10:00:05Z"},
		{
			"America/New_York", "2026-11-01T05:59:58Z", "2026-11-01T06:00:02Z", // 02:00 becomes 01:00
			"2026-11-01T01:59:58-04:00..2026-11-01T01:59:59.999999-04:00 2026-11-01T00:59:59.999999-05:00..2026-11-01T01:00:02-05:00",
		},
		{
			"Europe/Berlin", "2026-03-29T00:59:58Z", "2026-03-29T01:00:02Z", // 02:00 becomes 03:00
			"2026-03-29T01:59:58+01:00..2026-03-29T01:59:59.999999+01:00 2026-03-29T02:59:59.999999+02:00..2026-03-29T03:00:02+02:00",
		},
		{
			"Australia/Lord_Howe", "2026-04-04T14:59:59Z", "2026-04-04T15:00:01Z", // half an hour
			"2026-04-05T01:59:59+11:00..2026-04-05T01:59:59.999999+11:00 2026-04-05T01:29:59.999999+10:30..2026-04-05T01:30:01+10:30",
		},
	} {
		after, err := job.ParsePoint(c.after)
		require.NoError(t, err)
		upto, err := job.ParsePoint(c.upto)
		require.NoError(t, err)
		got := ""
		for i, s := range plan.Slices(after, upto, location(t, c.zone)) {
			if i > 0 {
				got += " "
			}
			got += s[0].String() + ".." + s[1].String()
		}
		require.Equal(t, c.want, got, c.zone)
	}
}

func TestSlicesKeepTheKeysOfTheirEnds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	after, upto := job.Point{At: at, Key: []string{"7"}}, job.TimePoint(at)
	slices := plan.Slices(after, upto, location(t, "Asia/Shanghai"))
	require.Len(t, slices, 1)
	require.Equal(t, "2026-11-22T10:00:00+08:00/7", slices[0][0].String())
	require.Equal(t, "2026-11-22T10:00:00+08:00", slices[0][1].String())
}

func TestClosedLeavesOutTheOpenUnit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMicro(rapid.Int64Range(0, 4_000_000_000_000_000).Draw(t, "now"))
		unit := rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Millisecond, time.Second}).Draw(t, "unit")
		closed := plan.Closed(now, unit)
		step := max(unit, time.Microsecond)
		require.Equal(t, time.UTC, closed.Location())
		require.True(t, closed.Equal(closed.Truncate(step)))
		require.True(t, now.Truncate(step).After(closed), "what is written now lies behind")
		require.LessOrEqual(t, now.Sub(closed), 2*step)
	})
}
