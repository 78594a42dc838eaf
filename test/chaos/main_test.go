//go:build chaos

// Package chaos breaks everything at random for a while and then asks whether anything was lost.
package chaos

import (
	"fmt"
	"os"
	"testing"

	"github.com/masixun71/cupid-go/test/fleet"
)

// made is what lets clocks jump.
var made clocks

// TestMain does not look for goroutines that are left: the proxies leave those of the
// connections that were disturbed when they ended.
func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	made, err = jumping()
	defer made.remove()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos: build with clocks that jump:", err)
		return 1
	}
	defer fleet.RemoveBinaries()
	return m.Run()
}
