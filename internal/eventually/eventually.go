// Package eventually waits for a condition with a deadline: the only waiting in tests.
package eventually

import (
	"testing"
	"time"
)

// interval between two looks: short enough that a test does not feel it, long
// enough that a dozen waiting tests leave the processors to the code under test.
const interval = 5 * time.Millisecond

// Until looks at condition until it is true and fails t with what when that
// takes longer than limit. The first look comes at once, the last one after
// the limit, so a slow condition is not cheated of its last chance.
func Until(t testing.TB, limit time.Duration, condition func() bool, what string) {
	t.Helper()
	if !Holds(limit, condition) {
		t.Fatalf("waited %s for this: %s", limit, what)
	}
}

// Holds is Until for helpers that have an error to return instead of a test to fail.
func Holds(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); ; {
		last := !time.Now().Before(deadline)
		if condition() {
			return true
		}
		if last {
			return false
		}
		time.Sleep(min(interval, time.Until(deadline)))
	}
}
