package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// crowd are the sources of several jobs that share connections: tables t0, t1, … with
// one row each, changed at noon.
type crowd struct {
	d       *mysqltest.Database
	sources []*mysql.Source
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newCrowd(t *testing.T, server *mysqltest.Server, n int) *crowd {
	t.Helper()
	p := newPair(t, server)
	p.destination.Exec(t, "CREATE TABLE t (number INT PRIMARY KEY)")
	c := &crowd{d: p.source}
	var pools mysql.Pools
	for i := range n {
		name := fmt.Sprint("t", i)
		p.source.Exec(t, "CREATE TABLE "+name+" (id INT PRIMARY KEY, number INT NOT NULL, changed TIMESTAMP NOT NULL, KEY (changed)); INSERT INTO "+
			name+" VALUES (7, 1, '2026-11-22 12:00:00')")
		j := p.job
		j.Source.Shard.Table = name
		j.Update = job.UpdateScan{Enabled: true, Column: "changed"}
		source, err := mysql.Open(j.Source.DSN, mysql.Options{MaxOpen: 3, Pools: &pools})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, source.Close()) })
		plan, err := mysql.Inspect(t.Context(), j, source, []*mysql.Database{open(t, j.Destinations[0].DSN.Reveal())})
		require.NoError(t, err)
		c.sources = append(c.sources, plan.Source)
	}
	return c
}

// look has all sources look at once, whether the greatest id is top and whether
// nothing was changed after noon.
func (c *crowd) look(ctx context.Context, top string) (still, quiet []bool, errs []error) {
	still, quiet, errs = make([]bool, len(c.sources)), make([]bool, len(c.sources)), make([]error, len(c.sources))
	var looks sync.WaitGroup
	for i, s := range c.sources {
		looks.Go(func() {
			if still[i], errs[i] = s.Still(ctx, job.KeyPoint(top)); errs[i] == nil {
				quiet[i], errs[i] = s.Quiet(ctx, job.TimePoint(noon), job.TimePoint(noon.Add(time.Hour)))
			}
		})
	}
	looks.Wait()
	return still, quiet, errs
}

func TestLooksOfManyJobsShareStatements(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{TimeZone: "+00:00"}) // its statements are counted
	const jobs = 30
	c := newCrowd(t, server, jobs)
	before := status(t, c.d, "Com_select")
	still, quiet, errs := c.look(t.Context(), "7")
	after := status(t, c.d, "Com_select")
	for i := range jobs {
		require.NoError(t, errs[i])
		require.True(t, still[i])
		require.True(t, quiet[i])
	}
	require.Less(t, after-before, jobs, "of two questions each")

	c.d.Exec(t, "INSERT INTO t3 VALUES (8, 1, '2026-11-22 11:00:00'); UPDATE t4 SET changed = '2026-11-22 12:00:01'; DELETE FROM t5")
	still, quiet, errs = c.look(t.Context(), "7")
	for i := range jobs {
		require.NoError(t, errs[i])
		require.Equal(t, i != 3 && i != 5, still[i], "table %d", i)
		require.Equal(t, i != 4, quiet[i], "table %d", i)
	}
}

// TestALookThatFailsIsThatOfItsTableAlone: the others that shared its statement are answered.
func TestALookThatFailsIsThatOfItsTableAlone(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, d *mysqltest.Database){
		"gone":   func(t *testing.T, d *mysqltest.Database) { t.Helper(); d.Exec(t, "DROP TABLE t2") },
		"locked": func(t *testing.T, d *mysqltest.Database) { t.Helper(); lock(t, d, "t2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, mysqltest.Shared(t), 5)
			spoil(t, c.d)
			ctx, cancel := context.WithCancel(t.Context())
			var answered sync.WaitGroup
			answered.Add(len(c.sources) - 1)
			var looks sync.WaitGroup
			for i, s := range c.sources {
				looks.Go(func() {
					still, err := s.Still(ctx, job.KeyPoint("7"))
					if i == 2 {
						require.Error(t, err)
						return
					}
					require.NoError(t, err)
					require.True(t, still)
					answered.Done()
				})
			}
			answered.Wait()
			cancel() // one that waits for its lock waits for nobody any more
			looks.Wait()
		})
	}
}

// lock keeps a table from all others until the test ends.
func lock(t *testing.T, d *mysqltest.Database, table string) {
	t.Helper()
	conn, err := d.DB.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "LOCK TABLES "+table+" WRITE")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unlock(conn)) })
}

func unlock(conn *sql.Conn) error {
	if _, err := conn.ExecContext(context.Background(), "UNLOCK TABLES"); err != nil {
		return err
	}
	return conn.Close()
}

// TestALookEndsWithThoseWhoWait: who stops goes at once, and the others are answered.
func TestALookEndsWithThoseWhoWait(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, mysqltest.Shared(t), 3)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var looks sync.WaitGroup
	for i, s := range c.sources {
		ctx := t.Context()
		if i == 0 {
			ctx = gone
		}
		looks.Go(func() {
			still, err := s.Still(ctx, job.KeyPoint("7"))
			if i == 0 {
				require.ErrorIs(t, err, context.Canceled)
				return
			}
			require.NoError(t, err)
			require.True(t, still)
		})
	}
	looks.Wait()
	_, err := c.sources[0].Still(gone, job.KeyPoint("7"))
	require.ErrorIs(t, err, context.Canceled)
}
