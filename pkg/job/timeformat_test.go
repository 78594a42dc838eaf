package job_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestTimeFormats(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 8*3600)
	moment := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, zone)
	for format, want := range map[string]struct {
		text   string
		unit   time.Duration
		number bool
	}{
		"Y-m-d H:i:s":                {"2026-01-02 03:04:05", time.Second, false},
		"Y-m-d H:i:s.v":              {"2026-01-02 03:04:05.678", time.Millisecond, false},
		"Y-m-d H:i:s.u":              {"2026-01-02 03:04:05.678901", time.Microsecond, false},
		"YmdHis":                     {"20260102030405", time.Second, false},
		`Y\YmdHis`:                   {"2026Y0102030405", time.Second, false},
		"2006-01-02 15:04:05":        {"2026-01-02 03:04:05", time.Second, false},
		"2006-01-02T15:04:05.000000": {"2026-01-02T03:04:05.678901", time.Microsecond, false},
		"unix":                       {"1767294245", time.Second, true},
		"UNIX":                       {"1767294245", time.Second, true},
		"unixMilli":                  {"1767294245678", time.Millisecond, true},
	} {
		f, err := job.ParseTimeFormat(format)
		require.NoError(t, err, format)
		require.Equal(t, format, f.String())
		require.False(t, f.Native())
		require.Equal(t, want.number, f.Number(), format)
		require.Equal(t, want.unit, f.Unit(), format)
		require.Equal(t, want.text, f.Text(moment), format)
		back, err := f.Parse(want.text, zone)
		require.NoError(t, err)
		require.True(t, moment.Truncate(want.unit).Equal(back), "%s: %s", format, back)
		_, err = f.Parse("0000-00-00 nothing", zone)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "nothing", "a value of a row is in no error")
	}
}

func TestColumnTypeSaysItsOwnFormat(t *testing.T) {
	t.Parallel()
	f, err := job.ParseTimeFormat("")
	require.NoError(t, err)
	require.True(t, f.Native())
	require.Equal(t, job.TimeFormat{}, f)
}

// A text that does not sort as its time, or that ends at the minute, cannot be scanned.
func TestFormatsThatCannotBeScanned(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"d.m.Y H:i:s", "Y-m-d", "Y-m-d H:i", "y-m-d H:i:s", "02/01/2006 15:04:05", "2006-01-02 03:04:05 PM", "H:i:s", "now", "Y-n-j G:i:s"} {
		_, err := job.ParseTimeFormat(format)
		require.ErrorContains(t, err, format)
		require.ErrorContains(t, err, "want PHP letters")
	}
}

func FuzzParseTimeFormat(f *testing.F) {
	f.Add("Y-m-d H:i:s", int64(1_767_294_245))
	f.Add(`2006\01-02 15:04:05.000`, int64(0))
	f.Add("unixMilli", int64(4_000_000_000))
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		format, err := job.ParseTimeFormat(text)
		if err != nil || format.Native() {
			return
		}
		// What was accepted reads what it writes and sorts as time does.
		moment := time.Unix(seconds%4_000_000_000, 0).UTC()
		if moment.Unix() < 1_000_000_000 {
			return // texts of numbers sort by number
		}
		back, err := format.Parse(format.Text(moment), time.UTC)
		require.NoError(t, err)
		require.True(t, back.Equal(moment), "%q wrote %s as %q", text, moment, format.Text(moment))
		require.Less(t, format.Text(moment), format.Text(moment.Add(time.Second)))
	})
}
