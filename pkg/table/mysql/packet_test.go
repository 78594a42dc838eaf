package mysql_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// TestRowsBeyondThePacket: a row that the server cannot put into one text has no
// hash. Folds count it, lists show it, and neither holds it for equal.
func TestRowsBeyondThePacket(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{ExtraArgs: []string{"--max-allowed-packet=1M"}})
	p := newPair(t, server)
	p.columns("id", "a", "b")
	const table = "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE, a LONGTEXT CHARACTER SET latin1, b LONGBLOB)"
	const rows = "INSERT INTO t VALUES (1, 1, 'short', 'short'), (2, 2, REPEAT('a', 700000), REPEAT('b', 700000)), (3, 3, REPEAT('a', 700000), NULL), (4, 4, REPEAT(_latin1 x'E9', 600000), '')"
	p.source.Exec(t, table+"; "+rows)
	p.destination.Exec(t, table+"; "+rows)
	plan := p.plan(t)
	for _, strong := range []bool{false, true} {
		pairing := plan.Pairing(0, mysql.PairingOptions{Checksum: checksum(strong)})
		for _, side := range []*mysql.Side{pairing.Source(), pairing.Destination()} {
			fold, err := side.Fold(t.Context(), job.Point{}, job.Point{})
			require.NoError(t, err)
			require.EqualValues(t, 4, fold.Rows)
			require.EqualValues(t, 2, fold.Unhashed)
			require.False(t, fold.Equal(fold)) //nolint:gocritic // it says less than all
			unhashed := map[string]bool{"1": false, "2": true, "3": false, "4": true}
			marks := marksOf(t, side, job.KeyPoint("0"), job.KeyPoint("4"))
			require.Len(t, marks, 4)
			for id, mark := range marks {
				require.Equal(t, unhashed[fmt.Sprint(id)], mark.Unhashed(), id)
			}
			listed, err := list(t.Context(), side)
			require.NoError(t, err)
			require.Len(t, listed, 4)
			for _, row := range listed {
				require.Equal(t, unhashed[string(row.Key)], row.Unhashed, string(row.Key))
			}
		}
	}
	page, _, _, err := plan.Source.PageHashes(t.Context(), job.Range{Scan: job.Insert}, 0, 10)
	require.NoError(t, err)
	require.False(t, page[0].Unhashed)
	require.True(t, page[1].Unhashed)
}
