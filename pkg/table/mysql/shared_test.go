package mysql_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// TestSharedConnections: as many databases as there are in one place hold no more
// connections than one; the last that is closed ends them.
func TestSharedConnections(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{}) // its connections are counted
	d := server.Database(t)
	before := status(t, d, "Threads_connected")
	var pools mysql.Pools
	var all []*mysql.Database
	for n := range 30 {
		purpose := "source"
		if n%2 == 1 {
			purpose = "destination"
		}
		opened, err := mysql.Open(job.NewSecret(d.DSN), mysql.Options{Pools: &pools, Purpose: purpose, MaxOpen: 3})
		require.NoError(t, err)
		all = append(all, opened)
	}
	var pings sync.WaitGroup
	for _, opened := range all {
		pings.Go(func() {
			for range 20 {
				require.NoError(t, opened.Ping(t.Context()))
			}
		})
	}
	pings.Wait()
	require.LessOrEqual(t, status(t, d, "Threads_connected")-before, 2*3)
	for _, opened := range all[1:] {
		require.NoError(t, opened.Close())
		require.NoError(t, opened.Close(), "more than once")
	}
	require.NoError(t, all[0].Ping(t.Context()), "the others left it its connections")
	require.NoError(t, all[0].Close())
	require.Error(t, all[0].Ping(t.Context()))
	again, err := mysql.Open(job.NewSecret(d.DSN), mysql.Options{Pools: &pools, Purpose: "source", MaxOpen: 3})
	require.NoError(t, err)
	require.NoError(t, again.Ping(t.Context()))
	require.NoError(t, again.Close())
}
