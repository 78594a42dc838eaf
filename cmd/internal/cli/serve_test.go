package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
)

func TestAProgramsNameIsItsRole(t *testing.T) {
	t.Parallel()
	for program, role := range map[string]app.Role{
		"/scheduler": app.Scheduler, "worker": app.Worker, `bin/worker.exe`: app.Worker,
		"/usr/bin/cupid": app.Both, "cupid-1.2.0": app.Both, "": app.Both,
	} {
		require.Equal(t, role, Named(program), program)
	}
}
