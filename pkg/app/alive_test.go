package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/worker"
)

func TestAProcessLivesWhileItsLoopsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &App{c: &config.Config{}}
		a.c.Process.Lease = 30 * time.Second
		orders, users := &jobRun{a: a, job: job.Job{Name: "orders"}}, &jobRun{a: a, job: job.Job{Name: "users"}}
		orders.Turn("promoter", 10*time.Second)
		orders.Turn(worker.Comparer, time.Second)
		time.Sleep(5 * time.Minute)
		alive, why := a.Alive()
		require.True(t, alive, why)

		users.Turn(worker.Comparer, time.Second) // the comparer is one for all jobs
		time.Sleep(time.Minute)
		require.Equal(t, []admin.Problem{{What: "promoter of job orders", Why: "has not turned for 6m0s"}}, a.hanging())
		alive, why = a.Alive()
		require.False(t, alive)
		require.Equal(t, "promoter of job orders: has not turned for 6m0s", why)

		orders.End("promoter")
		alive, _ = a.Alive()
		require.True(t, alive, "what ended does not hang")
	})
}
