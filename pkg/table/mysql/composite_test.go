package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// region, day and code together relate the rows; the sides have them in other
// types, and their indexes in another order.
func compositePair(t *testing.T, server *mysqltest.Server, rows int) *pair {
	t.Helper()
	p := newPair(t, server)
	p.job.Source.ByColumns = []string{"code", "region", "day"}
	p.job.Destinations[0].ByColumns = []string{"no", "region", "day"}
	p.job.Destinations[0].Columns = []job.ColumnPair{{Source: "code", Destination: "no"}, {Source: "name", Destination: "name"}}
	p.source.Exec(t, `CREATE TABLE t (id INT PRIMARY KEY, region INT NULL, day DATE NOT NULL, code VARCHAR(20) CHARACTER SET latin1 NULL,
		name VARCHAR(20), UNIQUE (region, day, code))`)
	p.destination.Exec(t, `CREATE TABLE t (no VARCHAR(20) COLLATE utf8mb4_bin NOT NULL, name VARCHAR(20), day DATETIME NOT NULL, region BIGINT UNSIGNED NOT NULL,
		PRIMARY KEY (day, region, no))`)
	var source, destination []string
	for n := range rows {
		source = append(source, fmt.Sprintf("(%d,%d,'2026-11-22' + INTERVAL %d DAY,'é,%d','name %d')", n+1, n%100, n%3, n/300, n))
		destination = append(destination, fmt.Sprintf("('é,%d','name %d','2026-11-22' + INTERVAL %d DAY,%d)", n/300, n, n%3, n%100))
	}
	p.source.Exec(t, "INSERT INTO t VALUES "+strings.Join(source, ","))
	p.destination.Exec(t, "INSERT INTO t VALUES "+strings.Join(destination, ","))
	p.source.Exec(t, "ANALYZE TABLE t")
	p.destination.Exec(t, "ANALYZE TABLE t")
	return p
}

// TestCompositeKeysAreReadByIndex counts the rows that the server touches.
func TestCompositeKeysAreReadByIndex(t *testing.T) {
	t.Parallel()
	const rows = 12_000
	p := compositePair(t, mysqltest.Start(t, mysqltest.Options{}), rows)
	plan := p.plan(t)
	require.Empty(t, plan.Warnings)
	pairing := plan.Pairing(0, mysql.PairingOptions{})
	require.Equal(t, mysql.KeyedBuckets, pairing.Strategy(), pairing.Reason())
	page, _, more, err := plan.Source.PageHashes(t.Context(), job.Range{Scan: job.Insert}, 0, 900)
	require.NoError(t, err)
	require.True(t, more)
	var keys []diff.Key
	for _, row := range page {
		keys = append(keys, row.Key)
	}
	source, err := plan.Source.Lookup(t.Context(), []string{"1", "7", "12000"}, false)
	require.NoError(t, err)
	for name, read := range map[string]func() (int, error){
		"hashes at the destination": func() (int, error) {
			found, err := plan.Destinations[0].LookupHashes(t.Context(), keys)
			require.Equal(t, hashesOf(page), hashesOf(found))
			return len(found), err
		},
		"rows at the destination": func() (int, error) {
			found, err := plan.Destinations[0].Lookup(t.Context(), keys)
			return len(found), err
		},
		"rows of the source": func() (int, error) {
			found, err := pairing.Source().Lookup(t.Context(), keys)
			return len(found), err
		},
		"shared keys": func() (int, error) {
			shared, err := plan.Source.Shared(t.Context(), source)
			require.Empty(t, shared)
			return 900, err
		},
	} {
		before := touched(t, p.source)
		n, err := read()
		require.NoError(t, err)
		require.Equal(t, len(keys), n, name)
		require.Less(t, touched(t, p.source)-before, 2*len(keys)+200, name)
	}
}

func hashesOf(rows []diff.Hashed) map[diff.Key]uint64 {
	hashes := map[diff.Key]uint64{}
	for _, row := range rows {
		hashes[row.Key] = row.Hash
	}
	return hashes
}

func TestCompositeKeys(t *testing.T) {
	t.Parallel()
	p := compositePair(t, mysqltest.Shared(t), 1_000)
	p.source.Exec(t, `DELETE FROM t WHERE id = 10; UPDATE t SET name = 'other' WHERE id = 20; UPDATE t SET code = NULL WHERE id = 30;
		UPDATE t SET code = 'É,0' WHERE id = 40; UPDATE t SET region = -1 WHERE id = 50`)
	plan := p.plan(t)
	verdicts := map[string]diff.Outcome{}
	rows, _, _, err := plan.Source.Page(t.Context(), job.Range{Scan: job.Insert}, 10_000)
	require.NoError(t, err)
	for i, o := range compare(t, plan) {
		if o.Verdict != diff.Equal {
			verdicts[rows[i].Key] = o
		}
	}
	require.Equal(t, map[string]diff.Outcome{
		"20": {Verdict: diff.Different, Columns: []string{"name"}},
		"30": {Verdict: diff.Missing}, "40": {Verdict: diff.Missing}, "50": {Verdict: diff.Missing},
	}, verdicts)

	pairing := plan.Pairing(0, mysql.PairingOptions{})
	source, destination := keyMarks(t, pairing.Source(), 77), keyMarks(t, pairing.Destination(), 99)
	differing := map[uint64]bool{}
	for id := range source {
		if source[id] != destination[id] {
			differing[id] = true
		}
	}
	for id := range destination {
		if source[id] != destination[id] {
			differing[id] = true
		}
	}
	require.Len(t, differing, 7, "10, 20, 30 and both keys of 40 and 50")
	nulls, err := pairing.Source().Nulls(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, nulls)

	key, ok := pairing.Relation().SourceKey(rows[0])
	require.True(t, ok)
	targets, err := pairing.Destination().Lookup(t.Context(), []diff.Key{key})
	require.NoError(t, err)
	require.Len(t, targets, 1)
	statement, ok := pairing.DeleteSQL(targets[0])
	require.True(t, ok)
	require.Equal(t, "DELETE FROM `"+p.destination.Name+"`.`t` WHERE `no` = 'é,0' AND `region` = 0 AND `day` = '2026-11-22 00:00:00'"+
		" AND CAST(`no` AS BINARY) = CAST(CONVERT('é,0' USING utf8mb4) AS BINARY);", statement)
	statement, ok = pairing.UpdateSQL(targets[0], []string{"name"}, rows[0])
	require.True(t, ok)
	p.destination.Exec(t, "UPDATE t SET name = 'damaged'")
	p.destination.Exec(t, statement)
	var mended int
	require.NoError(t, p.destination.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM t WHERE name = 'name 0'").Scan(&mended))
	require.Equal(t, 1, mended)
}

// TestSharedCompositeKeys: keys are shared only when all of their values are.
func TestSharedCompositeKeys(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.job.Source.ByColumns, p.job.Destinations[0].ByColumns = []string{"a", "b"}, []string{"a", "b"}
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT, a INT, b VARCHAR(9), KEY (b, a)); INSERT INTO t VALUES (1,1,1,'x'),(2,2,1,'X'),(3,3,1,'y'),(4,4,2,'y'),(5,5,2,'y'),(6,6,2,NULL),(7,7,2,NULL)")
	p.destination.Exec(t, "CREATE TABLE t (number INT, a INT, b VARCHAR(9), KEY (a, b))")
	source := p.plan(t).Source
	rows, err := source.Lookup(t.Context(), []string{"1", "2", "3", "4", "6"}, false)
	require.NoError(t, err)
	shared, err := source.Shared(t.Context(), rows)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"4": true}, shared)
}
