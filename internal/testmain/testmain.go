// Package testmain is the TestMain of packages that start servers or goroutines.
package testmain

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Run runs the tests, then the stops in order, then fails the package if a
// goroutine is left over, and exits. The stops come before the look at the
// goroutines, because a shared server keeps one or two as long as it runs:
//
//	func TestMain(m *testing.M) { testmain.Run(m, mysqltest.Stop, redistest.Stop) }
func Run(m *testing.M, stops ...func()) {
	code := m.Run()
	for _, stop := range stops {
		stop()
	}
	if code == 0 {
		// A client that failed to dial when it was closed sleeps a second first.
		err := goleak.Find()
		for tries := 0; err != nil && tries < 5; tries++ {
			err = goleak.Find()
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "the tests passed but left goroutines behind: %v\n", err)
			code = 1
		}
	}
	os.Exit(code)
}
