//go:build compose

// Package compose runs docker-compose.yml on a Docker engine, breaks its containers
// and looks from outside whether anything is lost.
package compose

import (
	"testing"

	"github.com/masixun71/cupid-go/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Run(m) }
