package mysql_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// aligned is a pair of tables with an integer key of the given types.
func aligned(t *testing.T, source, destination string, keys ...string) *pair {
	t.Helper()
	p := newPair(t, mysqltest.Shared(t))
	p.columns("id")
	for d, key := range map[*mysqltest.Database]string{p.source: source, p.destination: destination} {
		d.Exec(t, "CREATE TABLE t (id "+key+" PRIMARY KEY, number VARCHAR(30), KEY (number))")
		for _, id := range keys {
			d.Exec(t, "INSERT INTO t VALUES ("+id+", 'n"+id+"')")
		}
	}
	return p
}

func TestFoldByStretches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key   string
		keys  []string
		shift int
		rows  map[uint64]uint64 // by id
	}{
		"dense":            {"INT", []string{"1", "2", "15", "16", "31"}, 4, map[uint64]uint64{0: 3, 1: 2}},
		"negative":         {"BIGINT", []string{"-20", "-16", "-1", "0", "15", "16"}, 4, map[uint64]uint64{1<<60 - 2: 1, 1<<60 - 1: 2, 0: 2, 1: 1}},
		"to the last":      {"BIGINT UNSIGNED", []string{"0", "18446744073709551615"}, 0, map[uint64]uint64{0: 1, 1<<64 - 1: 1}},
		"signed extremes":  {"BIGINT", []string{"-9223372036854775808", "-1", "9223372036854775807"}, 63, map[uint64]uint64{1: 2, 0: 1}},
		"widest":           {"BIGINT UNSIGNED", []string{"0", "9223372036854775807", "9223372036854775808", "18446744073709551615"}, 63, map[uint64]uint64{0: 2, 1: 2}},
		"one bucket":       {"INT", []string{"1", "20"}, 64, map[uint64]uint64{0: 2}},
		"nothing":          {"INT", nil, 10, map[uint64]uint64{}},
		"nothing, counted": {"INT", nil, 64, map[uint64]uint64{0: 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pairing := aligned(t, c.key, c.key, c.keys...).plan(t).Pairing(0, mysql.PairingOptions{})
			for _, side := range []*mysql.Side{pairing.Source(), pairing.Destination()} {
				buckets, err := side.Fold(t.Context(), nil, job.Point{}, job.Point{}, c.shift)
				require.NoError(t, err)
				rows := map[uint64]uint64{}
				for _, b := range buckets {
					rows[b.ID] = b.Rows
				}
				require.Equal(t, c.rows, rows)
			}
		})
	}
}

func TestListOfRanges(t *testing.T) {
	t.Parallel()
	pairing := aligned(t, "INT", "BIGINT UNSIGNED ZEROFILL", "1", "2", "5", "9", "700", "701").plan(t).Pairing(0, mysql.PairingOptions{})
	ranges := [][2]job.Point{
		{{}, job.KeyPoint("1")},
		{job.KeyPoint("2"), job.KeyPoint("5")},
	}
	for key := range 600 { // more than one query asks for
		ranges = append(ranges, [2]job.Point{job.KeyPoint(fmt.Sprint(10 + key)), job.KeyPoint(fmt.Sprint(11 + key))})
	}
	ranges = append(ranges, [2]job.Point{job.KeyPoint("700"), {}})
	source, err := list(t.Context(), pairing.Source(), ranges)
	require.NoError(t, err)
	destination, err := list(t.Context(), pairing.Destination(), ranges)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "5", "701"}, keysOf(source))
	require.Equal(t, source, destination)
	for _, row := range source {
		require.False(t, row.Unhashed)
	}
}

// list is what List gives.
func list(ctx context.Context, side *mysql.Side, ranges [][2]job.Point) (rows []diff.Hashed, err error) {
	err = side.List(ctx, ranges, func(row diff.Hashed) { rows = append(rows, row) })
	return rows, err
}

func listKeyed(ctx context.Context, side *mysql.Side, after, upto job.Point, buckets []uint64) (rows []diff.Hashed, err error) {
	err = side.ListKeyed(ctx, after, upto, buckets, func(row diff.Hashed) { rows = append(rows, row) })
	return rows, err
}

func keysOf(listed []diff.Hashed) []string {
	keys := make([]string, len(listed))
	for i, row := range listed {
		keys[i] = string(row.Key)
	}
	return keys
}

// keyedPair relates rows by a unique text; the destination has another primary
// key, and rows in another order.
func keyedPair(t *testing.T) *pair {
	t.Helper()
	p := newPair(t, mysqltest.Shared(t))
	p.columns("name")
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number VARCHAR(20) CHARACTER SET latin1, name VARCHAR(20), UNIQUE (number))")
	p.destination.Exec(t, "CREATE TABLE t (a VARCHAR(20), b DATE, number VARCHAR(30), name VARCHAR(20), PRIMARY KEY (b, a), KEY (number))")
	var source, destination []string
	for i := range 1000 {
		source = append(source, fmt.Sprintf("(%d,'é%d','name %d')", i, i, i%7))
		destination = append(destination, fmt.Sprintf("('%d','2026-11-%02d','é%d','name %d')", i/28, 1+i%28, i, i%7))
	}
	p.source.Exec(t, "INSERT INTO t VALUES "+strings.Join(source, ",")+",(5000,NULL,'x'),(5001,NULL,'x')")
	p.destination.Exec(t, "INSERT INTO t VALUES "+strings.Join(destination, ",")+",('null','2026-11-01',NULL,'x')")
	return p
}

// foldKeyed folds a side in steps of n rows, and merges.
func foldKeyed(t *testing.T, side *mysql.Side, n int) map[uint64]diff.Bucket {
	t.Helper()
	merged := map[uint64]diff.Bucket{}
	for after, more := (job.Point{}), true; more; {
		upto, found, err := side.Step(t.Context(), after, job.Point{}, n)
		require.NoError(t, err)
		buckets, err := side.FoldKeyed(t.Context(), nil, after, upto)
		require.NoError(t, err)
		for _, b := range buckets {
			sum := merged[b.ID]
			merged[b.ID] = diff.Bucket{ID: b.ID, Rows: sum.Rows + b.Rows, Hash: sum.Hash ^ b.Hash, Unhashed: sum.Unhashed + b.Unhashed}
		}
		after, more = upto, found
	}
	return merged
}

// TestManyBucketsAreListedAsFewAre: the condition of many has another form.
func TestManyBucketsAreListedAsFewAre(t *testing.T) {
	t.Parallel()
	side := keyedPair(t).plan(t).Pairing(0, mysql.PairingOptions{}).Source()
	all := slices.Sorted(maps.Keys(foldKeyed(t, side, 5000)))
	require.Greater(t, len(all), 900)
	many := all[100:700]
	var few []string
	for chunk := range slices.Chunk(many, 200) {
		listed, err := listKeyed(t.Context(), side, job.Point{}, job.Point{}, chunk)
		require.NoError(t, err)
		few = append(few, keysOf(listed)...)
	}
	listed, err := listKeyed(t.Context(), side, job.Point{}, job.Point{}, many)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(few), 600)
	require.ElementsMatch(t, few, keysOf(listed))
}

func TestKeyedBuckets(t *testing.T) {
	t.Parallel()
	p := keyedPair(t)
	pairing := p.plan(t).Pairing(0, mysql.PairingOptions{})
	require.Equal(t, mysql.KeyedBuckets, pairing.Strategy(), pairing.Reason())
	source, destination := pairing.Source(), pairing.Destination()
	before := foldKeyed(t, source, 300)
	require.Equal(t, before, foldKeyed(t, destination, 77))
	for side, want := range map[*mysql.Side]int64{source: 2, destination: 1} {
		nulls, err := side.Nulls(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, nulls)
	}

	p.destination.Exec(t, "UPDATE t SET name = 'other' WHERE number = 'é7'; DELETE FROM t WHERE number = 'é8'; UPDATE t SET number = 'É9' WHERE number = 'é9'")
	var differing []uint64
	after := foldKeyed(t, destination, 77)
	for id := range before {
		if !before[id].Equal(after[id]) {
			differing = append(differing, id)
		}
	}
	require.NotEmpty(t, differing)
	listed, err := listKeyed(t.Context(), source, job.Point{}, job.Point{}, differing)
	require.NoError(t, err)
	require.Subset(t, keysOf(listed), []string{"é7", "é8", "é9"})
	require.Less(t, len(listed), 10)
	none, err := listKeyed(t.Context(), source, job.Point{}, job.Point{}, nil)
	require.NoError(t, err)
	require.Empty(t, none)

	keys := []diff.Key{"é7", "é8", "é9", "é10"}
	rows, err := source.Lookup(t.Context(), keys)
	require.NoError(t, err)
	require.Len(t, rows, 4)
	require.Equal(t, "é10", keyOf(t, source, rows[0]))
	found, err := destination.Lookup(t.Context(), keys)
	require.NoError(t, err)
	var verdicts []diff.Verdict
	for _, outcome := range pairing.Relation().Compare(rows, found) {
		verdicts = append(verdicts, outcome.Verdict)
	}
	require.Equal(t, []diff.Verdict{diff.Equal, diff.Different, diff.Missing, diff.Respelled}, verdicts)
	hashes, err := destination.Hashes(t.Context(), keys)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"é7", "É9", "é10"}, keysOf(hashes))
}

func keyOf(t *testing.T, side *mysql.Side, row diff.Row) string {
	t.Helper()
	key, ok := side.KeyOf(row)
	require.True(t, ok)
	return string(key)
}

// TestKeysHaveOneText: a key is written alike on both sides.
func TestKeysHaveOneText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, destination, value, key string }{
		"decimal":        {"DECIMAL(10,2)", "DECIMAL(12,4)", "1.5", "1.5000"},
		"zerofill":       {"INT ZEROFILL", "BIGINT", "7", "7"},
		"date":           {"DATE", "DATETIME(3)", "'2026-11-22'", "2026-11-22 00:00:00.000"},
		"char":           {"CHAR(9)", "VARCHAR(9)", "'a '", "a"},
		"bytes":          {"VARBINARY(9)", "VARBINARY(12)", "x'61FF00'", "a\xff\x00"},
		"latin1":         {"VARCHAR(9) CHARACTER SET latin1", "VARCHAR(9) CHARACTER SET latin1", "'é'", "é"},
		"ascii":          {"CHAR(9) CHARACTER SET ascii", "CHAR(9)", "'a'", "a"},
		"quote and mark": {"VARCHAR(20)", "VARCHAR(20)", `'it''s \\ ?'`, `it's \ ?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, mysqltest.Shared(t))
			p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number "+c.source+" UNIQUE); INSERT INTO t VALUES (1, "+c.value+")")
			p.destination.Exec(t, "CREATE TABLE t (number "+c.destination+" PRIMARY KEY); INSERT INTO t VALUES ("+c.value+")")
			pairing := p.plan(t).Pairing(0, mysql.PairingOptions{})
			require.Equal(t, mysql.KeyedBuckets, pairing.Strategy(), pairing.Reason())
			require.Equal(t, foldKeyed(t, pairing.Source(), 10), foldKeyed(t, pairing.Destination(), 10))
			for _, side := range []*mysql.Side{pairing.Source(), pairing.Destination()} {
				listed, err := list(t.Context(), side, [][2]job.Point{{}})
				require.NoError(t, err)
				require.Equal(t, []string{c.key}, keysOf(listed))
				rows, err := side.Lookup(t.Context(), []diff.Key{listed[0].Key})
				require.NoError(t, err)
				require.Len(t, rows, 1, "the key finds its row")
				require.Equal(t, c.key, keyOf(t, side, rows[0]))
				hashes, err := side.Hashes(t.Context(), []diff.Key{listed[0].Key})
				require.NoError(t, err)
				require.Equal(t, listed, hashes)
			}
		})
	}
}
