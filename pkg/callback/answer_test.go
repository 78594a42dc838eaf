package callback

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                     0,
		"0":                    0,
		"120":                  2 * time.Minute,
		"\t7":                  7 * time.Second,
		"-1":                   0,
		"soon":                 0,
		"1.5":                  0,
		"18446744073709551615": maxRetryAfter,
		"18446744073709551616": maxRetryAfter, // no number that fits
		now.Add(time.Minute).Format(http.TimeFormat):                  time.Minute,
		now.Add(-time.Minute).Format(http.TimeFormat):                 0,
		now.Add(100 * 24 * time.Hour).Format(http.TimeFormat):         maxRetryAfter,
		now.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT"): time.Minute,
	} {
		require.Equal(t, want, retryAfter(header, now), "header %q", header)
	}
}
