package cli

import (
	"testing"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Run(m, mysqltest.Stop, redistest.Stop) }
