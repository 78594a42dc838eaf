package job_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestAJobThatNoSchedulerNamesIsRetired(t *testing.T) {
	t.Parallel()
	retired := func(leader string, fleet ...job.Process) bool {
		jobs := []job.State{{Name: "users", Leader: leader}}
		job.MarkRetired(jobs, fleet)
		return jobs[0].Retired
	}
	scheduler := job.Process{Role: "scheduler", Jobs: "orders users2"}
	require.True(t, retired("", scheduler))
	require.True(t, retired("", scheduler, job.Process{Role: "worker", Jobs: "users"}), "workers begin no scans")
	require.False(t, retired("", scheduler, job.Process{Role: "cupid", Jobs: "orders users"}))
	require.False(t, retired("", scheduler, job.Process{Role: "scheduler", Jobs: "users", Stale: true}), "it may come back")
	require.False(t, retired("h:1", scheduler), "somebody leads it")
	require.False(t, retired(""), "nobody knows")
	require.False(t, retired("", job.Process{Role: "scheduler", Jobs: "orders", Stale: true}), "nor here")
}
