package mysql_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// TestQueriesReadWhatTheyReturn counts the rows that the server touches: a
// condition that leaves its index reads the whole table.
func TestQueriesReadWhatTheyReturn(t *testing.T) {
	t.Parallel()
	const total = 20_000
	p := updated(t, mysqltest.Start(t, mysqltest.Options{}), "DATETIME", "PRIMARY KEY (id)")
	insertMany(t, p, total)
	p.source.Exec(t, "UPDATE t SET u = '2026-11-22 10:00:05'; UPDATE t SET u = '2026-11-22 10:00:06' WHERE id > 19000; ANALYZE TABLE t")
	p.destination.Exec(t, "DROP TABLE t; CREATE TABLE t (id INT PRIMARY KEY, number VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin, KEY (number))")
	p.destination.Exec(t, "INSERT INTO t SELECT id, CONCAT('é', id) FROM "+"`"+p.source.Name+"`.t")
	plan := p.plan(t)
	source, destination := plan.Source, plan.Destinations[0]
	second := job.TimePoint(at(t, "2026-11-22T10:00:05Z"))
	middle := job.Point{At: second.At, Key: []string{"15000"}}

	for name, c := range map[string]struct {
		most int
		run  func() error
	}{
		"bounds": {50, func() error {
			_, _, _, err := source.Bounds(t.Context(), job.KeyPoint("7"))
			return err
		}},
		"newest update": {50, func() error {
			_, _, err := source.UpdateTop(t.Context())
			return err
		}},
		"step by key": {600, func() error {
			_, _, err := source.Step(t.Context(), job.Insert, job.KeyPoint("15000"), job.Point{}, 500)
			return err
		}},
		"step by time": {600, func() error {
			_, _, err := source.Step(t.Context(), job.Update, middle, second, 500)
			return err
		}},
		"page by key": {200, func() error {
			_, _, _, err := source.Page(t.Context(), job.Range{Scan: job.Insert, After: job.KeyPoint("100")}, 100)
			return err
		}},
		"page by time": {300, func() error {
			_, _, _, err := source.Page(t.Context(), job.Range{Scan: job.Update, After: middle, UpTo: second}, 100)
			return err
		}},
		"rows by key": {50, func() error {
			_, err := source.Lookup(t.Context(), []string{"1", "10000", "19999"}, true)
			return err
		}},
		"rows in a row, and some beside": {700, func() error {
			keys := []string{"1", "19999"}
			for id := 5000; id < 5600; id++ {
				if id != 5300 {
					keys = append(keys, strconv.Itoa(id))
				}
			}
			found, err := source.Lookup(t.Context(), keys, true)
			require.Len(t, found, len(keys))
			return err
		}},
		"rows by another character set": {50, func() error {
			found, err := destination.Lookup(t.Context(), []diff.Key{"é7", "é15000", "ключ", "7"})
			require.Len(t, found, 2)
			return err
		}},
	} {
		before := touched(t, p.source)
		require.NoError(t, c.run())
		require.Less(t, touched(t, p.source)-before, c.most, name)
	}
}

// touched is how many rows the server has read so far. The question itself
// reads some.
func touched(t *testing.T, d *mysqltest.Database) int {
	t.Helper()
	rows, err := d.DB.QueryContext(t.Context(), "SHOW GLOBAL STATUS LIKE 'Handler_read%'")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	sum := 0
	for rows.Next() {
		var name string
		var n int
		require.NoError(t, rows.Scan(&name, &n))
		if !strings.HasSuffix(name, "_deleted") { // counted by the others too
			sum += n
		}
	}
	require.NoError(t, rows.Err())
	return sum
}
