//go:build bench

// Package bench measures cupid against the limit of the database itself: every
// figure is a ratio to the bare queries, taken in the same run on the same rows.
// It is no test: it asserts only that what was measured was done right.
//
//	make bench ROWS=5200000
package bench

import (
	"os"
	"testing"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestMain does not look for goroutines that are left: the proxy of a far database
// leaves those of the answers that were on their way when it ended.
func TestMain(m *testing.M) { os.Exit(measured(m)) }

func measured(m *testing.M) int {
	defer fleet.RemoveBinaries()
	defer redistest.Stop()
	defer mysqltest.Stop()
	return m.Run()
}
