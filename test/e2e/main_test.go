//go:build e2e

// Package e2e runs the built commands between real servers and looks at them as users do.
package e2e

import (
	"testing"

	"github.com/masixun71/cupid-go/internal/testmain"
	"github.com/masixun71/cupid-go/test/fleet"
)

func TestMain(m *testing.M) { testmain.Run(m, fleet.RemoveBinaries) }
