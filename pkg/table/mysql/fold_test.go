package mysql_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/big"
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
func aligned(t *testing.T, server *mysqltest.Server, source, destination string, keys ...string) *pair {
	t.Helper()
	p := newPair(t, server)
	p.columns("id")
	for d, key := range map[*mysqltest.Database]string{p.source: source, p.destination: destination} {
		d.Exec(t, "CREATE TABLE t (id "+key+" PRIMARY KEY, number VARCHAR(30), KEY (number))")
		for _, id := range keys {
			d.Exec(t, "INSERT INTO t VALUES ("+id+", 'n"+id+"')")
		}
	}
	return p
}

// TestMarksOfIntegers: packed, in one word or two, or a row each where a stretch is open or wider, both sides' marks are the same.
func TestMarksOfIntegers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source, destination string
		after               string // "" is open
		keys                []string
	}{
		"dense":           {"INT", "BIGINT UNSIGNED ZEROFILL", "0", []string{"1", "2", "15", "16", "31"}},
		"negative":        {"BIGINT", "BIGINT", "-21", []string{"-20", "-16", "-1", "0", "15", "16"}},
		"across 2^31":     {"BIGINT", "BIGINT", "2147483646", []string{"2147483647", "2147483648", "2147483650"}},
		"one word":        {"BIGINT", "BIGINT", "-1000", []string{"-999", "0", "2147482647"}},
		"two words":       {"BIGINT", "BIGINT", "-1000", []string{"-999", "0", "2147482648", "4611686018427386903"}},
		"too wide":        {"BIGINT", "BIGINT", "-1000", []string{"-999", "0", "4611686018427386904"}},
		"to the last":     {"BIGINT UNSIGNED", "BIGINT UNSIGNED", "18446744073709551000", []string{"18446744073709551001", "18446744073709551615"}},
		"snowflakes":      {"BIGINT UNSIGNED", "BIGINT", "1541815603606036479", []string{"1541815603606036480", "1541815607800340480"}},
		"signed extremes": {"BIGINT", "BIGINT", "", []string{"-9223372036854775808", "-1", "9223372036854775807"}},
		"widest":          {"BIGINT UNSIGNED", "BIGINT UNSIGNED", "", []string{"0", "9223372036854775807", "9223372036854775808", "18446744073709551615"}},
		"nothing":         {"INT", "INT", "0", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := aligned(t, mysqltest.Shared(t), c.source, c.destination, c.keys...)
			var after, upto job.Point
			var want []uint64
			for _, key := range c.keys {
				n, ok := new(big.Int).SetString(key, 10)
				require.True(t, ok)
				want = append(want, n.And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
				upto = job.KeyPoint(key)
			}
			if c.after != "" {
				after = job.KeyPoint(c.after)
			}
			for _, strong := range []bool{false, true} {
				pairing := p.plan(t).Pairing(0, mysql.PairingOptions{Checksum: checksum(strong)})
				for _, from := range []job.Point{after, {}} {
					marks := marksOf(t, pairing.Source(), from, upto)
					require.ElementsMatch(t, want, slices.Collect(maps.Keys(marks)))
					require.Equal(t, marks, marksOf(t, pairing.Destination(), from, upto))
				}
				for _, side := range []*mysql.Side{pairing.Source(), pairing.Destination()} {
					fold, err := side.Fold(t.Context(), after, upto)
					require.NoError(t, err)
					require.EqualValues(t, len(c.keys), fold.Rows)
					require.Zero(t, fold.Unhashed)
				}
				require.True(t, foldsEqual(t, pairing))
			}
		})
	}
}

// TestAKeyIsInItsMark: rows that have each other's values, or a key of another sign with the same bits, are not the same.
func TestAKeyIsInItsMark(t *testing.T) {
	t.Parallel()
	p := aligned(t, mysqltest.Shared(t), "BIGINT", "BIGINT", "1", "2", "3")
	p.destination.Exec(t, "UPDATE t SET number = ELT(id, 'n2', 'n1', 'n3')")
	pairing := p.plan(t).Pairing(0, mysql.PairingOptions{})
	for _, after := range []job.Point{{}, job.KeyPoint("0")} {
		source, destination := marksOf(t, pairing.Source(), after, job.KeyPoint("3")), marksOf(t, pairing.Destination(), after, job.KeyPoint("3"))
		require.NotEqual(t, source[1], destination[1])
		require.NotEqual(t, source[2], destination[2])
		require.Equal(t, source[3], destination[3])
	}

	p = aligned(t, mysqltest.Shared(t), "BIGINT", "BIGINT UNSIGNED")
	p.source.Exec(t, "INSERT INTO t VALUES (-1, 'same')")
	p.destination.Exec(t, "INSERT INTO t VALUES (18446744073709551615, 'same')")
	pairing = p.plan(t).Pairing(0, mysql.PairingOptions{})
	require.NotEqual(t, marksOf(t, pairing.Source(), job.Point{}, job.Point{}), marksOf(t, pairing.Destination(), job.Point{}, job.Point{}))
}

// marksOf are the marks of a stretch by ID.
func marksOf(t *testing.T, side *mysql.Side, after, upto job.Point) map[uint64]diff.Mark {
	t.Helper()
	return byID(t, side.Marks, after, upto)
}

func byID(t *testing.T, read func(context.Context, []diff.Mark, job.Point, job.Point) ([]diff.Mark, error), after, upto job.Point) map[uint64]diff.Mark {
	t.Helper()
	marks, err := read(t.Context(), nil, after, upto)
	require.NoError(t, err)
	all := map[uint64]diff.Mark{}
	for _, m := range marks {
		require.NotContains(t, all, m.ID)
		all[m.ID] = m
	}
	return all
}

// list gives every row of a side that has a key.
func list(ctx context.Context, side *mysql.Side) (rows []diff.Hashed, err error) {
	var all diff.Sieve
	for n := range 1 << 16 {
		all.Lower, all.Upper = append(all.Lower, uint16(n)), append(all.Upper, uint16(n))
	}
	return listKeyed(ctx, side, job.Point{}, job.Point{}, all)
}

func listKeyed(ctx context.Context, side *mysql.Side, after, upto job.Point, sieve diff.Sieve) (rows []diff.Hashed, err error) {
	err = side.ListKeyed(ctx, after, upto, sieve, func(row diff.Hashed) { rows = append(rows, row) })
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
func keyedPair(t *testing.T, server *mysqltest.Server) *pair {
	t.Helper()
	p := newPair(t, server)
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

// keyMarks are the marks of a side by ID, read in steps of n rows.
func keyMarks(t *testing.T, side *mysql.Side, n int) map[uint64]diff.Mark {
	t.Helper()
	all := map[uint64]diff.Mark{}
	for after, more := (job.Point{}), true; more; {
		upto, found, err := side.Step(t.Context(), after, job.Point{}, n)
		require.NoError(t, err)
		maps.Copy(all, byID(t, side.KeyMarks, after, upto))
		after, more = upto, found
	}
	return all
}

// TestMarksWithoutRoom: where the text of all marks is cut off, they are read a row each.
func TestMarksWithoutRoom(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{})
	related, shared := keyedPair(t, server), aligned(t, server, "INT", "INT")
	shared.source.Exec(t, "INSERT INTO t SELECT seq, CONCAT('n', seq) FROM seq_1_to_1000")
	read := func() (all []map[uint64]diff.Mark) {
		for _, strong := range []bool{false, true} {
			options := mysql.PairingOptions{Checksum: checksum(strong)}
			all = append(all, keyMarks(t, related.plan(t).Pairing(0, options).Source(), 5000),
				marksOf(t, shared.plan(t).Pairing(0, options).Source(), job.KeyPoint("0"), job.KeyPoint("1000")))
		}
		return all
	}
	packed := read()
	related.source.Exec(t, "SET GLOBAL max_allowed_packet = 1024") // of the sessions that begin now
	for i, marks := range read() {
		require.Len(t, marks, 1000)
		require.Equal(t, packed[i], marks)
	}
}

// TestMarksByPlace: behind a stretch with a row for every number the next one is
// read without them, as long as that is so.
func TestMarksByPlace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table, where string
		byPlace      bool
	}{
		"innodb":      {"(id INT PRIMARY KEY, number VARCHAR(30))", "", true},
		"partitioned": {"(id INT PRIMARY KEY, number VARCHAR(30)) PARTITION BY HASH (id) PARTITIONS 2", "", false},
		"filtered":    {"(id INT PRIMARY KEY, number VARCHAR(30))", "number IS NOT NULL", false},
		"other index": {"(id INT UNIQUE NOT NULL, number VARCHAR(30) PRIMARY KEY)", "", false},
		"myisam":      {"(id INT PRIMARY KEY, number VARCHAR(30)) ENGINE=MyISAM", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := mysqltest.Start(t, mysqltest.Options{})
			p := newPair(t, server)
			p.columns("id")
			p.source.Exec(t, "CREATE TABLE t "+c.table)
			p.destination.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number VARCHAR(30), KEY (number))")
			p.source.Exec(t, "INSERT INTO t (id, number) SELECT seq, CONCAT('n', seq) FROM seq_1_to_1000")
			p.job.Source.Where = c.where
			for _, strong := range []bool{false, true} {
				source := p.plan(t).Pairing(0, mysql.PairingOptions{Checksum: checksum(strong)}).Source()
				read := func(after, upto int) (marks map[uint64]diff.Mark, texts string) {
					p.source.Exec(t, "SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
					marks = marksOf(t, source, job.KeyPoint(fmt.Sprint(after)), job.KeyPoint(fmt.Sprint(upto)))
					p.source.Exec(t, "SET GLOBAL general_log = OFF")
					require.NoError(t, p.source.DB.QueryRowContext(t.Context(), `SELECT COALESCE(GROUP_CONCAT(argument ORDER BY event_time SEPARATOR '; '), '')
						FROM mysql.general_log WHERE argument LIKE 'SELECT%GROUP_CONCAT(%t%'`).Scan(&texts))
					return marks, texts
				}
				all, _ := read(0, 1000)
				require.Len(t, all, 1000)
				again, texts := read(0, 1000)
				require.Equal(t, all, again)
				require.Equal(t, c.byPlace, strings.HasPrefix(texts, "SELECT 1000,"), texts)

				p.source.Exec(t, "DELETE FROM t WHERE id IN (500, 1000)")
				delete(all, 500)
				delete(all, 1000)
				again, texts = read(0, 1000)
				require.Equal(t, all, again)
				require.Equal(t, c.byPlace, strings.Contains(texts, "; SELECT COUNT(*)"), texts)
				_, texts = read(0, 499)
				require.True(t, strings.HasPrefix(texts, "SELECT COUNT(*)"), "a hole was just met: "+texts)
				p.source.Exec(t, "INSERT INTO t (id, number) VALUES (500, 'n500'), (1000, 'n1000')")
			}
		})
	}
}

// sieveOf lets some hashes of keys pass.
func sieveOf(hashes []uint64) (s diff.Sieve) {
	for _, h := range hashes {
		s.Lower, s.Upper = append(s.Lower, uint16(h)), append(s.Upper, uint16(h>>16))
	}
	return s
}

// TestManyHashesAreListedAsFewAre: the condition of many has another form.
func TestManyHashesAreListedAsFewAre(t *testing.T) {
	t.Parallel()
	side := keyedPair(t, mysqltest.Shared(t)).plan(t).Pairing(0, mysql.PairingOptions{}).Source()
	all := slices.Sorted(maps.Keys(keyMarks(t, side, 5000)))
	require.Greater(t, len(all), 900)
	many := all[100:700]
	var few []string
	for chunk := range slices.Chunk(many, 200) {
		listed, err := listKeyed(t.Context(), side, job.Point{}, job.Point{}, sieveOf(chunk))
		require.NoError(t, err)
		few = append(few, keysOf(listed)...)
	}
	listed, err := listKeyed(t.Context(), side, job.Point{}, job.Point{}, sieveOf(many))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(few), 600)
	require.ElementsMatch(t, few, keysOf(listed))
}

func TestKeyedBuckets(t *testing.T) {
	t.Parallel()
	p := keyedPair(t, mysqltest.Shared(t))
	pairing := p.plan(t).Pairing(0, mysql.PairingOptions{})
	require.Equal(t, mysql.KeyedBuckets, pairing.Strategy(), pairing.Reason())
	source, destination := pairing.Source(), pairing.Destination()
	before := keyMarks(t, source, 300)
	require.Equal(t, before, keyMarks(t, destination, 77))
	for side, want := range map[*mysql.Side]int64{source: 2, destination: 1} {
		nulls, err := side.Nulls(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, nulls)
	}

	p.destination.Exec(t, "UPDATE t SET name = 'other' WHERE number = 'é7'; DELETE FROM t WHERE number = 'é8'; UPDATE t SET number = 'É9' WHERE number = 'é9'")
	var differing []uint64
	after := keyMarks(t, destination, 77)
	for id := range before {
		if before[id] != after[id] {
			differing = append(differing, id)
		}
	}
	require.NotEmpty(t, differing)
	listed, err := listKeyed(t.Context(), source, job.Point{}, job.Point{}, sieveOf(differing))
	require.NoError(t, err)
	require.Subset(t, keysOf(listed), []string{"é7", "é8", "é9"})
	require.Less(t, len(listed), 10)
	none, err := listKeyed(t.Context(), source, job.Point{}, job.Point{}, diff.Sieve{})
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
			require.Equal(t, keyMarks(t, pairing.Source(), 10), keyMarks(t, pairing.Destination(), 10))
			for _, side := range []*mysql.Side{pairing.Source(), pairing.Destination()} {
				listed, err := list(t.Context(), side)
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
