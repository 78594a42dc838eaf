package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// TestEveryPrecisionOfTime: a fraction of a second compares by value, whichever
// digits the two columns have, and the least of the common digits counts.
func TestEveryPrecisionOfTime(t *testing.T) {
	t.Parallel()
	for kind, moment := range map[string]string{
		"DATETIME": "2026-10-25 02:30:00.", "TIMESTAMP": "2026-10-25 02:30:00.", "TIME": "-838:30:00.",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, mysqltest.Shared(t))
			p.columns("id")
			var columns [2][]string
			var values, changes []string
			for a := range 7 {
				for b := range 7 {
					name := fmt.Sprintf("c%d%d", a, b)
					p.columns(name)
					columns[0] = append(columns[0], fmt.Sprintf("%s %s(%d) NULL", name, kind, a))
					columns[1] = append(columns[1], fmt.Sprintf("%s %s(%d) NULL", name, kind, b))
					digits := "123456"[:min(a, b)]
					values = append(values, "'"+strings.TrimSuffix(moment+digits, ".")+"'")
					other := strings.TrimSuffix(moment, "00.") + "01"
					if digits != "" {
						other = moment + digits[:len(digits)-1] + "9"
					}
					changes = append(changes, fmt.Sprintf("%s = '%s'", name, other))
				}
			}
			for i, d := range []*mysqltest.Database{p.source, p.destination} {
				d.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE, "+strings.Join(columns[i], ", ")+"); INSERT INTO t VALUES (1, 1, "+strings.Join(values, ", ")+")")
			}
			plan := p.plan(t)
			pairing := plan.Pairing(0, mysql.PairingOptions{})
			require.Equal(t, diff.Equal, compare(t, plan)[0].Verdict, compare(t, plan)[0].Columns)
			require.True(t, foldsEqual(t, pairing))
			for i, change := range changes {
				name, _, _ := strings.Cut(change, " ")
				p.destination.Exec(t, "UPDATE t SET "+change)
				require.Equal(t, []string{name}, compare(t, plan)[0].Columns, change)
				require.False(t, foldsEqual(t, pairing), change)
				p.destination.Exec(t, "UPDATE t SET "+name+" = "+values[i])
			}
			require.True(t, foldsEqual(t, pairing))
		})
	}
}

// TestInstantsOverAChangeOfSummerTime: on a server whose clock repeats and skips
// hours, instants stay apart, and wall clocks are what they show.
func TestInstantsOverAChangeOfSummerTime(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{TimeZone: "SYSTEM", SystemZone: "Europe/Berlin"})
	for name, c := range map[string]typeCase{
		"the same instant of the repeated hour": {"TIMESTAMP NULL", "TIMESTAMP NULL", "'2026-10-25 01:30:00'", "'2026-10-25 01:30:00'", true},
		"the other instant of it":               {"TIMESTAMP NULL", "TIMESTAMP NULL", "'2026-10-25 00:30:00'", "'2026-10-25 01:30:00'", false},
		"before and behind the skipped hour":    {"TIMESTAMP NULL", "TIMESTAMP NULL", "'2026-03-29 00:59:59'", "'2026-03-29 01:00:00'", false},
		"wall clock of the first instant":       {"TIMESTAMP NULL", "DATETIME", "'2026-10-25 00:30:00'", "'2026-10-25 02:30:00'", true},
		"wall clock of the second instant":      {"TIMESTAMP NULL", "DATETIME", "'2026-10-25 01:30:00'", "'2026-10-25 02:30:00'", true},
		"wall clock behind the skipped hour":    {"TIMESTAMP NULL", "DATETIME", "'2026-03-29 01:00:00'", "'2026-03-29 03:00:00'", true},
		"wall clock of UTC":                     {"TIMESTAMP NULL", "DATETIME", "'2026-03-29 01:00:00'", "'2026-03-29 01:00:00'", false},
	} {
		t.Run(name, func(t *testing.T) {
			values := [2]string{c.sourceValue, c.destinationValue}
			c.sourceValue, c.destinationValue = "NULL", "NULL"
			p := typed(t, server, c)
			for i, d := range []*mysqltest.Database{p.source, p.destination} {
				d.Exec(t, "SET time_zone = '+00:00'; UPDATE t SET c = "+values[i])
			}
			plan := p.plan(t)
			require.Equal(t, c.equal, compare(t, plan)[0].Verdict == diff.Equal)
			if ok, _ := plan.Destinations[0].Hashable(); ok {
				require.Equal(t, c.equal, foldsEqual(t, plan.Pairing(0, mysql.PairingOptions{})))
			}
		})
	}
}
