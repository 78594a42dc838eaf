//go:build chaos

// Package chaos breaks everything at random for a while and then asks whether anything was lost.
package chaos

import (
	"testing"

	"github.com/masixun71/cupid-go/internal/testmain"
	"github.com/masixun71/cupid-go/test/fleet"
)

func TestMain(m *testing.M) { testmain.Run(m, fleet.RemoveBinaries) }
