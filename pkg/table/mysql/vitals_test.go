package mysql_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// counter is a gate that counts what passes.
type counter struct {
	inside, passed, rows atomic.Int64
	running              atomic.Int64
}

func (c *counter) Enter(ctx context.Context, vitals job.Vitals) (func(uint64), error) {
	running, behind, err := vitals(ctx, true)
	if err != nil || behind != 0 {
		return nil, err
	}
	c.running.Store(int64(running))
	c.inside.Add(1)
	return func(rows uint64) {
		c.inside.Add(-1)
		c.passed.Add(1)
		c.rows.Add(int64(rows))
	}, nil
}

func TestEveryQueryPassesTheGateAndTellsItsRows(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	for _, side := range []*mysqltest.Database{p.source, p.destination} {
		side.Exec(t, "CREATE TABLE t (id BIGINT PRIMARY KEY, number VARCHAR(20) NOT NULL UNIQUE)")
		side.Exec(t, "INSERT INTO t SELECT seq, CONCAT('n', seq) FROM seq_1_to_1000")
	}
	gate := new(counter)
	var pools []*mysql.Database
	for _, dsn := range []string{p.source.DSN, p.destination.DSN} {
		d, err := mysql.Open(job.NewSecret(dsn), mysql.Options{Gate: func(string) mysql.Gate { return gate }})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		pools = append(pools, d)
	}
	plan, err := mysql.Inspect(t.Context(), p.job, pools[0], pools[1:])
	require.NoError(t, err)
	require.Positive(t, gate.running.Load(), "the server tells how many threads run")

	for name, read := range map[string]func() error{
		"a page": func() error {
			r, err := job.ParseRange("insert:" + p.job.Source.Shard.String() + ":0..1000")
			if err == nil {
				_, _, _, err = plan.Source.Page(t.Context(), r, 2000)
			}
			return err
		},
		"marks": func() error {
			_, err := plan.Pairing(0, mysql.PairingOptions{}).Source().KeyMarks(t.Context(), nil, job.Point{}, job.Point{})
			return err
		},
	} {
		before := gate.rows.Load()
		require.NoError(t, read(), name)
		require.EqualValues(t, 1000, gate.rows.Load()-before, name)
	}
	require.Zero(t, gate.inside.Load(), "every query left")
}

func TestAServerThatIsNoReplicaIsNotBehind(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id BIGINT PRIMARY KEY, number VARCHAR(20) NOT NULL UNIQUE)")
	p.destination.Exec(t, "CREATE TABLE t (id BIGINT PRIMARY KEY, number VARCHAR(20) NOT NULL UNIQUE)")
	var behind time.Duration = -1
	look := gateFunc(func(ctx context.Context, vitals job.Vitals) (err error) {
		_, behind, err = vitals(ctx, true)
		return err
	})
	d, err := mysql.Open(job.NewSecret(p.source.DSN), mysql.Options{Gate: func(string) mysql.Gate { return look }})
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	_, err = mysql.Inspect(t.Context(), p.job, d, []*mysql.Database{open(t, p.destination.DSN)})
	require.NoError(t, err)
	require.Zero(t, behind)
}

type gateFunc func(ctx context.Context, vitals job.Vitals) error

func (g gateFunc) Enter(ctx context.Context, vitals job.Vitals) (func(uint64), error) {
	return func(uint64) {}, g(ctx, vitals)
}
