package mysql_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// A table that somebody has locked answers no probe, as it answers nothing else; a bad row does not matter.
func TestProbeAnswersWhileTheTableDoes(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	const table = "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE)"
	p.source.Exec(t, table)
	p.destination.Exec(t, table+"; INSERT INTO t VALUES (1, 1)")
	plan := p.plan(t)
	require.NoError(t, plan.Source.Probe(t.Context()), "an empty table")
	require.NoError(t, plan.Destinations[0].Probe(t.Context()))

	locker, err := p.destination.DB.Conn(t.Context())
	require.NoError(t, err)
	defer locker.Close()
	_, err = locker.ExecContext(t.Context(), "LOCK TABLES t WRITE")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, plan.Destinations[0].Probe(ctx), context.DeadlineExceeded)
	_, err = locker.ExecContext(t.Context(), "UNLOCK TABLES")
	require.NoError(t, err)
	require.NoError(t, plan.Destinations[0].Probe(t.Context()))
}

func TestEachAnswerIsProgress(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	const table = "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE); INSERT INTO t VALUES (1, 1)"
	p.source.Exec(t, table)
	p.destination.Exec(t, table)
	plan := p.plan(t)
	moved := 0
	ctx := job.WithProgress(t.Context(), func() { moved++ })
	_, err := plan.Source.Lookup(ctx, []string{"1"}, false)
	require.NoError(t, err)
	require.Equal(t, 1, moved)
	_, err = list(ctx, plan.Pairing(0, mysql.PairingOptions{}).Source())
	require.NoError(t, err)
	require.Equal(t, 2, moved)

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = plan.Source.Lookup(canceled, []string{"1"}, false)
	require.Error(t, err)
	require.Equal(t, 2, moved, "no answer is no progress")
}
