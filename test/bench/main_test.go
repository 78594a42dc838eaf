//go:build bench

// Package bench measures cupid against the limit of the database itself: every
// figure is a ratio to the bare queries, taken in the same run on the same rows.
// It is no test: it asserts only that what was measured was done right.
//
//	make bench ROWS=5200000
package bench

import (
	"testing"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/internal/testmain"
	"github.com/masixun71/cupid-go/test/fleet"
)

func TestMain(m *testing.M) {
	testmain.Run(m, mysqltest.Stop, redistest.Stop, fleet.RemoveBinaries)
}
