package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// TestEveryRowOnceInEveryOrder reads tables in parts, in all kinds of order.
func TestEveryRowOnceInEveryOrder(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]string{
		"integer":         "PRIMARY KEY (number)",
		"text":            "PRIMARY KEY (a)",
		"latin1 text":     "PRIMARY KEY (l)",
		"bytes":           "PRIMARY KEY (b)",
		"date and text":   "PRIMARY KEY (d, a), KEY (number)",
		"three columns":   "PRIMARY KEY (few, d, number), KEY (number)",
		"decimal":         "UNIQUE (dec1), KEY (number)",
		"not unique":      "KEY (few), KEY (number), KEY (f)",
		"not unique text": "KEY (fewtext), KEY (number)",
		"none":            "KEY (f)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, mysqltest.Shared(t))
			p.job.Lenient = true
			p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE)")
			nullable := ""
			if name != "none" {
				nullable = " NOT NULL"
			}
			p.destination.Exec(t, "CREATE TABLE t (number INT"+nullable+", a VARCHAR(20) NOT NULL, l VARCHAR(20) CHARACTER SET latin1 NOT NULL, b VARBINARY(20) NOT NULL,"+
				" d DATE NOT NULL, few INT NOT NULL, fewtext CHAR(9) NOT NULL, dec1 DECIMAL(10,2) NOT NULL, f FLOAT, "+keys+")")
			var rows []string
			for i := range 300 {
				rows = append(rows, fmt.Sprintf("(%d,'a''%d?','é%d\\\\',x'FF27%06X','2026-11-%02d',%d,'f%d',%d.%02d,%d)", i, i, i, i, 1+i%28, i%7, i%7, i/10, i%10, i))
			}
			p.destination.Exec(t, "INSERT INTO t VALUES "+strings.Join(rows, ","))
			side := p.plan(t).Pairing(0, mysql.PairingOptions{}).Destination()
			last, found, err := side.Last(t.Context())
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, name == "none", last.Open())
			seen := map[string]int{}
			for after, more := (job.Point{}), true; more; {
				upto, stepped, err := side.Step(t.Context(), after, last, 100)
				require.NoError(t, err)
				if !stepped {
					upto = last
				}
				for _, key := range rowsOf(t, side, through(t, after), through(t, upto)) {
					seen[key]++
				}
				after, more = upto, stepped
			}
			require.Len(t, seen, 300)
			for key, times := range seen {
				require.Equal(t, 1, times, key)
			}
		})
	}
}

// through sends a point through its text, as a saved state does.
func through(t *testing.T, p job.Point) job.Point {
	t.Helper()
	again, err := job.ParsePoint(p.String())
	require.NoError(t, err)
	return again
}

// rowsOf reads a stretch in pages and returns the relating values.
func rowsOf(t *testing.T, side *mysql.Side, after, upto job.Point) []string {
	t.Helper()
	var keys []string
	for more := true; more; {
		rows, next, again, err := side.Rows(t.Context(), after, upto, 30)
		require.NoError(t, err)
		for _, row := range rows {
			keys = append(keys, keyOf(t, side, row))
		}
		after, more = next, again
	}
	return keys
}
