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

// layouts are how keys may lie: the n-th of a table's.
var layouts = map[string]struct {
	key string // a type
	of  func(n int64) string
}{
	"dense":     {"INT", func(n int64) string { return fmt.Sprint(n) }},
	"negative":  {"BIGINT", func(n int64) string { return fmt.Sprint(n - 3_500) }},
	"sparse":    {"BIGINT", func(n int64) string { return fmt.Sprint(n * 1_000_003) }},
	"snowflake": {"BIGINT UNSIGNED", func(n int64) string { return fmt.Sprint(uint64(n)<<45 + 1<<63 + uint64(n)%4096) }},
}

// TestFoldsReadTheirStretch counts the rows that the server touches: a query
// over a chunk reads no more than the chunk, whatever the keys look like.
func TestFoldsReadTheirStretch(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{}) // its counters are everybody's
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			p := readsPair(t, server, layout.key, layout.of)
			for _, c := range chunkReads(t, p, layout.of) {
				before, sorted := touched(t, p.source), status(t, p.source, "Sort_rows")
				require.NoError(t, c.run())
				require.Less(t, touched(t, p.source)-before, c.most, c.name)
				require.Equal(t, sorted, status(t, p.source, "Sort_rows"), c.name)
			}
		})
	}
}

func status(t *testing.T, d *mysqltest.Database, name string) (value int) {
	t.Helper()
	require.NoError(t, d.DB.QueryRowContext(t.Context(), "SHOW GLOBAL STATUS LIKE '"+name+"'").Scan(&name, &value))
	return value
}

// readsPair has rows of which a tenth is a chunk, and a text key in an order of
// its own.
func readsPair(t *testing.T, server *mysqltest.Server, key string, of func(int64) string) *pair {
	t.Helper()
	const rows = 10_000
	p := newPair(t, server)
	p.columns("id", "name")
	p.source.Exec(t, "CREATE TABLE t (id "+key+" PRIMARY KEY, number CHAR(32) NOT NULL, name TEXT, UNIQUE (number))")
	var lines []string
	for n := range int64(rows) {
		lines = append(lines, fmt.Sprintf("(%s,MD5(%d),'name')", of(n), n))
		if len(lines) == 5_000 {
			p.source.Exec(t, "INSERT INTO t VALUES "+strings.Join(lines, ","))
			lines = nil
		}
	}
	p.destination.Exec(t, "CREATE TABLE t (number CHAR(32) PRIMARY KEY, id "+key+" NOT NULL, name TEXT, UNIQUE (id))")
	p.destination.Exec(t, "INSERT INTO t SELECT number, id, name FROM `"+p.source.Name+"`.t")
	p.source.Exec(t, "ANALYZE TABLE t")
	p.destination.Exec(t, "ANALYZE TABLE t")
	return p
}

// read is a query and how many rows it may touch.
type read struct {
	name string
	most int
	run  func() error
}

// question is what the counting itself may cost; a secondary index touches its
// own entry and the row.
const chunk, question = 1_000, 60

func chunkReads(t *testing.T, p *pair, of func(int64) string) []read {
	t.Helper()
	plan := p.plan(t)
	ranged := plan.Pairing(0, mysql.PairingOptions{SourceWhere: "name <> '?'"})
	require.Equal(t, mysql.RangeChecksum, ranged.Strategy(), ranged.Reason())
	p.job.Destinations[0].Columns = p.job.Destinations[0].Columns[:1]
	keyed := p.plan(t).Pairing(0, mysql.PairingOptions{})
	require.Equal(t, mysql.KeyedBuckets, keyed.Strategy(), keyed.Reason())
	after, upto := job.KeyPoint(of(2_999)), job.KeyPoint(of(2_999+chunk))
	reads := []read{
		{"page of hashes", 500 + question, func() error {
			rows, _, more, err := plan.Source.PageHashes(t.Context(), job.Range{Scan: job.Insert, After: after, UpTo: upto}, 0, 500)
			require.Len(t, rows, 500)
			require.True(t, more)
			return err
		}},
		{"hashes by key at the destination", 4 + question, func() error {
			found, err := plan.Destinations[0].LookupHashes(t.Context(), md5s)
			require.Len(t, found, len(md5s))
			return err
		}},
	}
	for name, side := range map[string]*mysql.Side{"source": ranged.Source(), "destination": ranged.Destination()} {
		reads = append(reads,
			read{"last of " + name, 5 + question, func() error {
				_, _, err := side.Last(t.Context())
				return err
			}},
			read{"step of " + name, chunk + question, func() error {
				_, _, err := side.Step(t.Context(), after, job.Point{}, chunk)
				return err
			}},
			read{"fold of " + name, chunk + question, func() error {
				fold, err := side.Fold(t.Context(), after, upto)
				require.EqualValues(t, chunk, fold.Rows)
				return err
			}},
			read{"marks of " + name, chunk + question, func() error {
				require.Len(t, marksOf(t, side, after, upto), chunk)
				return nil
			}},
			read{"rows by key of " + name, 10 + question, func() error {
				rows, err := side.Lookup(t.Context(), []diff.Key{diff.Key(of(7)), diff.Key(of(7_500)), "-5000000"})
				require.Len(t, rows, 2)
				return err
			}},
			read{"page of " + name, 300 + question, func() error {
				rows, _, _, err := side.Rows(t.Context(), after, upto, 200)
				require.Len(t, rows, 200)
				return err
			}},
		)
	}
	return append(reads, keyedReads(t, keyed)...)
}

// md5s are keys that the tables have.
var md5s = []diff.Key{"cfcd208495d565ef66e7dff9f98764da", "c4ca4238a0b923820dcc509a6f75849b"}

func keyedReads(t *testing.T, pairing *mysql.Pairing) []read {
	t.Helper()
	var reads []read
	for name, side := range map[string]*mysql.Side{"source": pairing.Source(), "destination": pairing.Destination()} {
		after, _, err := side.Step(t.Context(), job.Point{}, job.Point{}, 3_000)
		require.NoError(t, err)
		upto, _, err := side.Step(t.Context(), after, job.Point{}, chunk)
		require.NoError(t, err)
		reads = append(reads,
			read{"key marks of " + name, chunk + question, func() error {
				_, err := side.KeyMarks(t.Context(), nil, after, upto)
				return err
			}},
			read{"keyed list of " + name, chunk + question, func() error {
				_, err := listKeyed(t.Context(), side, after, upto, diff.Sieve{Lower: []uint16{1, 2, 3}, Upper: []uint16{4}})
				return err
			}},
			read{"hashes by key of " + name, 8 + question, func() error {
				found, err := side.Hashes(t.Context(), md5s)
				require.Len(t, found, len(md5s))
				return err
			}},
		)
	}
	return reads
}
