package callback

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever a receiver writes into Retry-After, the wait has its bounds.
func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{"", "0", "3", "-1", "99999999999999999999", "1e9", " 7 ", "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"} {
		f.Add(header)
	}
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		wait := retryAfter(header, now)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, maxRetryAfter)
	})
}
