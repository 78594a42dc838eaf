package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

func TestChoiceOfStrategy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source, destination string // columns and keys
		columns             []string
		strategy            mysql.Strategy
		reason              string // a part of it
	}{
		"aligned":              {"id INT PRIMARY KEY, number INT", "id INT PRIMARY KEY, number INT, KEY (number)", []string{"id"}, mysql.RangeChecksum, "`id` and the destination's `id` are unique integers"},
		"aligned by an index":  {"id INT PRIMARY KEY, number INT", "x CHAR(9) PRIMARY KEY, id BIGINT UNSIGNED NOT NULL, number INT, UNIQUE (id), KEY (number)", []string{"id"}, mysql.RangeChecksum, "unique integers"},
		"not unique there":     {"id INT PRIMARY KEY, number INT UNIQUE", "id INT NOT NULL, number INT, KEY (id), KEY (number)", []string{"id"}, mysql.KeyedBuckets, "related by `number`"},
		"may be null there":    {"id INT PRIMARY KEY, number INT UNIQUE", "id INT UNIQUE, number INT, KEY (number)", []string{"id"}, mysql.KeyedBuckets, "related by `number`"},
		"not mapped":           {"id INT PRIMARY KEY, number INT UNIQUE", "id INT PRIMARY KEY, number INT, KEY (number)", nil, mysql.KeyedBuckets, "each side is read in the order of `id` and `id`"},
		"not an integer there": {"id INT PRIMARY KEY, number INT UNIQUE", "id DECIMAL(10,0) PRIMARY KEY, number INT, KEY (number)", []string{"id"}, mysql.KeyedBuckets, "related by"},
		"composite order":      {"id INT PRIMARY KEY, number INT", "b DATE, a INT, number INT, PRIMARY KEY (b, a), UNIQUE (number)", nil, mysql.KeyedBuckets, "`id` and `b`, `a`"},
		"unique order":         {"id INT PRIMARY KEY, number INT", "f FLOAT PRIMARY KEY, number INT NOT NULL UNIQUE", nil, mysql.KeyedBuckets, "`id` and `number`"},
		"any order":            {"id INT PRIMARY KEY, number INT UNIQUE", "a INT NOT NULL, number INT, KEY (number), KEY (a, number)", nil, mysql.KeyedBuckets, "`id` and `a`"},
		"no index here":        {"id INT PRIMARY KEY, number INT", "number INT PRIMARY KEY", nil, mysql.KeyedBuckets, "an index is lacking"},
		"no order":             {"id INT PRIMARY KEY, number INT UNIQUE", "number INT, KEY (number)", nil, mysql.KeyedBuckets, "it is read at once"},
		"not unique":           {"id INT PRIMARY KEY, number INT, KEY (number)", "number INT, KEY (number)", nil, mysql.Rows, "no index says to be unique"},
		"no canonical text":    {"id INT PRIMARY KEY, number INT, c JSON", "id INT PRIMARY KEY, number INT, c JSON, KEY (number)", []string{"id", "c"}, mysql.Rows, "`c`"},
		"key of another form":  {"id INT PRIMARY KEY, number INT UNIQUE", "number VARCHAR(20) PRIMARY KEY", nil, mysql.Rows, "`number`"},
		"padded bytes":         {"id INT PRIMARY KEY, number BINARY(4) UNIQUE", "number VARBINARY(9) PRIMARY KEY", nil, mysql.Rows, "different widths"},
		"padded text":          {"id INT PRIMARY KEY, number CHAR(4) UNIQUE", "number VARCHAR(9) PRIMARY KEY", nil, mysql.KeyedBuckets, ""},
		"no padding":           {"id INT PRIMARY KEY, number CHAR(4) UNIQUE", "number VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY", nil, mysql.Rows, "without padding"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, mysqltest.Shared(t))
			p.columns(c.columns...)
			p.source.Exec(t, "CREATE TABLE t ("+c.source+")")
			p.destination.Exec(t, "CREATE TABLE t ("+c.destination+")")
			pairing := p.plan(t).Pairing(0, mysql.PairingOptions{})
			require.Equal(t, c.strategy, pairing.Strategy(), pairing.Reason())
			require.Contains(t, pairing.Reason(), c.reason)
			for _, side := range []*mysql.Side{pairing.Source(), pairing.Destination()} {
				_, err := side.Estimate(t.Context())
				require.NoError(t, err)
				rows, _, more, err := side.Rows(t.Context(), job.Point{}, job.Point{}, 10)
				require.NoError(t, err)
				require.Empty(t, rows)
				require.False(t, more)
			}
		})
	}
}

// TestAlignedRowsCompareTheirByColumn: a row with another byColumn is another
// row to whoever relates by it.
func TestAlignedRowsCompareTheirByColumn(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.job.Destinations[0].Columns = []job.ColumnPair{{Source: "id", Destination: "id"}}
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE); INSERT INTO t VALUES (1, 1)")
	p.destination.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE); INSERT INTO t VALUES (1, 2)")
	pairing := p.plan(t).Pairing(0, mysql.PairingOptions{})
	require.False(t, foldsEqual(t, pairing))
	source, err := pairing.Source().Lookup(t.Context(), []diff.Key{"1"})
	require.NoError(t, err)
	destination, err := pairing.Destination().Lookup(t.Context(), []diff.Key{"1"})
	require.NoError(t, err)
	require.Equal(t, []diff.Outcome{{Verdict: diff.Different, Columns: []string{"number"}}}, pairing.Relation().Compare(source, destination))
}

// TestWallClocksOfAServer: a TIMESTAMP that meets a wall clock is shown on the
// server's.
func TestWallClocksOfAServer(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"+08:00", "-03:30"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			server := mysqltest.Start(t, mysqltest.Options{TimeZone: zone})
			for _, c := range []typeCase{
				{"TIMESTAMP NULL", "DATETIME", "'2026-11-22 23:30:01'", "'2026-11-22 23:30:01'", true},
				{"DATETIME(3)", "TIMESTAMP(6) NULL", "'2026-11-22 02:00:01.25'", "'2026-11-22 02:00:01.25'", true},
				{"TIMESTAMP NULL", "DATETIME", "'2026-11-22 23:30:01'", "'2026-11-22 23:30:02'", false},
				{"TIMESTAMP(3) NULL", "DATETIME", "'0000-00-00'", "'0000-00-00'", true},
				{"TIMESTAMP NULL", "DATETIME", "NULL", "'0000-00-00'", false},
				{"TIMESTAMP NULL", "TIMESTAMP NULL", "'2026-11-22 23:30:01'", "'2026-11-22 23:30:01'", true},
			} {
				plan := typed(t, server, c).plan(t)
				hashed, why := plan.Destinations[0].Hashable()
				require.True(t, hashed, why)
				require.Equal(t, c.equal, compare(t, plan)[0].Verdict == diff.Equal, "%v as rows", c)
				require.Equal(t, c.equal, foldsEqual(t, plan.Pairing(0, mysql.PairingOptions{})), "%v", c)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.columns("id")
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number VARCHAR(20) UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 'b?'), (3, 'c'), (4, 'it''s')")
	p.destination.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number VARCHAR(20) UNIQUE); INSERT INTO t VALUES (1, 'a'), (4, 'it''s')")
	pairing := p.plan(t).Pairing(0, mysql.PairingOptions{SourceWhere: "number <> 'b?' AND number <> 'c' OR 1=0 -- all?", DestinationWhere: "TRUE"})
	require.True(t, foldsEqual(t, pairing))
	source := pairing.Source()
	rows, _, _, err := source.Rows(t.Context(), job.KeyPoint("1"), job.Point{}, 10)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, "4", rows[0].Key)
	rows, err = source.Lookup(t.Context(), []diff.Key{"1", "2"})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	listed, err := list(t.Context(), source)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "4"}, keysOf(listed))
	end, found, err := source.Step(t.Context(), job.Point{}, job.Point{}, 2)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, job.KeyPoint("2"), end, "a step counts all rows")

	keyed := p
	keyed.job.Destinations[0].Columns = nil
	pairing = keyed.plan(t).Pairing(0, mysql.PairingOptions{SourceWhere: "number NOT IN ('b?', 'c')"})
	require.Equal(t, mysql.KeyedBuckets, pairing.Strategy())
	require.Equal(t, keyMarks(t, pairing.Destination(), 10), keyMarks(t, pairing.Source(), 10))
	rows, err = pairing.Source().Lookup(t.Context(), []diff.Key{"it's", "b?"})
	require.NoError(t, err)
	require.Len(t, rows, 1)
}
