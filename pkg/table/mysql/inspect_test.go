package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// TestMistakes: each is one line that says what is wrong and how to mend it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	good := "CREATE TABLE t (id INT PRIMARY KEY, number INT, u DATETIME, s VARCHAR(300), d DATE, KEY (u), KEY (s), KEY (d), KEY (number))"
	updates := func(column, format string) func(*pair) {
		return func(p *pair) {
			f, err := job.ParseTimeFormat(format)
			if err != nil {
				panic(err)
			}
			p.job.Update = job.UpdateScan{Enabled: true, Column: column, Format: f}
		}
	}
	for name, c := range map[string]struct {
		source, destination string
		change              func(*pair)
		want                []string // "what; mend"
	}{
		"no tables": {"", "", nil, []string{
			"the table does not exist in database `%[1]s`; correct the table name, or create the table",
			"the table does not exist in database `%[2]s`; correct the table name, or create the table",
		}},
		"no columns": {good, good, func(p *pair) {
			p.job.Source.ByColumns = []string{"nr"}
			p.job.Destinations[0].ByColumns = nil
			p.job.Destinations[0].Columns = []job.ColumnPair{{Source: "x", Destination: "y"}}
		}, []string{
			"byColumn `nr` does not exist; the columns are id, number, u, s, d",
			"byColumn is not named; the columns are id, number, u, s, d",
			"column `y` does not exist; the columns are id, number, u, s, d",
			"column `x` does not exist; the columns are id, number, u, s, d",
		}},
		"no key": {"CREATE TABLE t (a INT, b INT, number INT, PRIMARY KEY (a, b))", narrow, nil, []string{
			"the table has no usable scan key: there is no column id, and the primary key has several columns; a scan key must be an integer, or CHAR, VARCHAR, BINARY or VARBINARY that grows; name one with scanKey",
		}},
		"no primary key": {"CREATE TABLE t (number INT)", narrow, nil, []string{
			"the table has no usable scan key: there is neither a column id nor a primary key; a scan key must be an integer, or CHAR, VARCHAR, BINARY or VARBINARY that grows; name one with scanKey",
		}},
		"id without index": {"CREATE TABLE t (ID INT, number INT)", narrow, nil, []string{
			"the table has no usable scan key: no index begins with `ID`; ALTER TABLE `%[1]s`.`t` ADD INDEX (`ID`)",
		}},
		"key of a type without order": {"CREATE TABLE t (id DOUBLE PRIMARY KEY, number INT)", narrow, nil, []string{
			"the table has no usable scan key: the primary key `id` is of type double; a scan key must be an integer, or CHAR, VARCHAR, BINARY or VARBINARY that grows; name one with scanKey",
		}},
		"named key that is not there": {good, narrow, func(p *pair) { p.job.Source.ScanKey = "no" }, []string{
			"scan key `no` does not exist; the columns are id, number, u, s, d",
		}},
		"named key of another type": {good, narrow, func(p *pair) { p.job.Source.ScanKey = "d" }, []string{
			"the scan key `d` is of type date; a scan key must be an integer, or CHAR, VARCHAR, BINARY or VARBINARY that grows; name one with scanKey",
		}},
		"no index at the destination": {good, "CREATE TABLE t (number VARCHAR(300))", nil, []string{
			"no index begins with the byColumn `number`: every look-up would read the whole table; ALTER TABLE `%[2]s`.`t` ADD INDEX (`number`(191))",
		}},
		"no index for updates": {"CREATE TABLE t (id INT PRIMARY KEY, number INT, u DATETIME, KEY (number, u))", narrow, updates("u", ""), []string{
			"no index begins with the update column `u`: every scan would read the whole table; ALTER TABLE `%[1]s`.`t` ADD INDEX (`u`)",
		}},
		"no update column":              {good, narrow, updates("changed", ""), []string{"update column `changed` does not exist; the columns are id, number, u, s, d"}},
		"a date":                        {good, narrow, updates("d", ""), []string{"the update column `d` is of type date: it does not tell times to the second; " + updateTypes}},
		"a number format on a datetime": {good, narrow, updates("u", "unix"), []string{"the update column `u` is of type datetime: the format unix is for integers; " + updateTypes}},
		"a text without format":         {good, narrow, updates("s", ""), []string{"the update column `s` is of type varchar(300): a text needs a format such as Y-m-d H:i:s; " + updateTypes}},
		"an integer without format":     {good, narrow, updates("number", "Y-m-d H:i:s"), []string{"the update column `number` is of type int(11): an integer needs the format unix or unixMilli; " + updateTypes}},
		"an unknown zone": {good, narrow, func(p *pair) { p.job.Update = job.UpdateScan{Enabled: true, Column: "u", Zone: "Mars"} }, []string{
			`the zone "Mars" of the update column is not known; write an offset such as +08:00 or a name such as Asia/Shanghai`,
		}},
		"columns that relate nothing": {good, "CREATE TABLE t (number DOUBLE PRIMARY KEY)", nil, []string{
			"byColumn `number` of type double cannot find rows by `number` of type int(11); use an integer, decimal, text, binary or date column, the same on both sides",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, server)
			if c.source != "" {
				p.source.Exec(t, c.source)
				p.destination.Exec(t, c.destination)
			}
			if c.change != nil {
				c.change(p)
			}
			var got, want []string
			for _, problem := range p.problems(t) {
				require.Contains(t, problem.Where, ".t")
				got = append(got, problem.What+"; "+problem.Mend)
			}
			for _, line := range c.want {
				want = append(want, strings.NewReplacer("%[1]s", p.source.Name, "%[2]s", p.destination.Name).Replace(line))
			}
			require.Equal(t, want, got)
		})
	}
}

const updateTypes = "use a DATETIME or TIMESTAMP column, an integer with the format unix or unixMilli, or a text with a format such as Y-m-d H:i:s"

// TestLenientJobsRunWithoutIndexes: with a warning, and without FORCE INDEX.
func TestLenientJobsRunWithoutIndexes(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id INT, number INT, u DATETIME); INSERT INTO t VALUES (1, 7, '2026-11-22'), (2, 8, '2026-11-23')")
	p.destination.Exec(t, "CREATE TABLE t (number INT); INSERT INTO t VALUES (7), (8)")
	p.job.Lenient = true
	p.job.Update = job.UpdateScan{Enabled: true, Column: "u"}
	plan := p.plan(t)
	for _, part := range []string{"scan key `id`", "update column `u`", "byColumn `number`"} {
		require.Contains(t, lines(plan.Warnings), part)
	}
	for _, outcome := range compare(t, plan) {
		require.Empty(t, outcome)
	}
	require.Equal(t, []string{"1", "2"}, pages(t, plan.Source, job.Range{Scan: job.Update}, 1))
}

func TestWarningsOfPairsThatCannotBeEqual(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id VARCHAR(26) PRIMARY KEY, number INT, f FLOAT, d DATETIME(6), v VARCHAR(9), same VARCHAR(9))")
	p.destination.Exec(t, "CREATE TABLE t (number INT PRIMARY KEY, f DOUBLE, d DATETIME, v VARCHAR(9) CHARACTER SET latin1, same VARCHAR(9))")
	p.columns("f", "d", "v", "same")
	warnings := p.plan(t).Warnings
	require.Len(t, warnings, 4)
	require.Contains(t, warnings[0].What, "the scan key `id` is of type varchar(26)")
	require.Contains(t, warnings[1].What, "column `f` is double, the source's `f` is float")
	require.Contains(t, warnings[2].What, "fraction of a second")
	require.Contains(t, warnings[3].What, "a letter that latin1 lacks")
	require.Contains(t, warnings[3].Mend, "ALTER TABLE `"+p.destination.Name+"`.`t` MODIFY `v` varchar(9) CHARACTER SET utf8mb4, with its DEFAULT")
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	p := newPair(t, server)
	p.source.Exec(t, "CREATE TABLE t (number INT, Id INT UNIQUE NOT NULL)")
	p.destination.Exec(t, narrow)
	plan := p.plan(t)
	require.Equal(t, fmt.Sprintf("%s/%s.t#Id", server.Addr, p.source.Name), plan.Source.Identity())
	require.Equal(t, "far", plan.Destinations[0].Name())
}

// TestHiddenIndexesAreNotForced: FORCE INDEX of one fails.
func TestHiddenIndexesAreNotForced(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT)")
	p.destination.Exec(t, "CREATE TABLE t (number INT, KEY (number) IGNORED)")
	require.Contains(t, p.problems(t)[0].What, "no index begins with the byColumn")
}

func TestAccountsThatAreRefused(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	p := newPair(t, server)
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT)")
	p.destination.Exec(t, narrow)
	good := p.source.DSN
	for name, c := range map[string]struct{ dsn, want string }{
		"password": {strings.Replace(good, mysqltest.Password, "wrong", 1), "refuses the user or the password (error 1045)"},
		"database": {strings.Replace(good, p.source.Name, "nowhere", 1), "the database does not exist on the server (error 1049)"},
	} {
		p.job.Source.DSN = job.NewSecret(c.dsn)
		problems := p.problems(t)
		require.Len(t, problems, 1, name)
		require.Contains(t, problems[0].What, c.want)
		require.NotContains(t, problems[0].String(), mysqltest.Password)
		require.NotContains(t, problems[0].String(), "wrong")
	}
}

func TestServersThatAreDown(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT)")
	p.job.Destinations[0].DSN = job.NewSecret("u:MustNotBeShown@tcp(127.0.0.1:1)/db")
	_, err := p.inspect(t)
	require.ErrorContains(t, err, "127.0.0.1:1/db")
	require.NotContains(t, err.Error(), "MustNotBeShown")
	var mistake *table.ConfigError
	require.NotErrorAs(t, err, &mistake)
}

func TestOpenRefusesMalformedDSNs(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"", "secret", "u:secret@tcp(h:1)", "u:secret@tcp(h:1)/", "u:secret@tcp(h:1)/db?tls=secret", "u:secret@tcp(h:1)/db?time_zone='secret'", "u:secret@tcp(h:1)/db?loc=secret"} {
		_, err := mysql.Open(job.NewSecret(dsn), mysql.Options{})
		var mistake *table.ConfigError
		require.ErrorAs(t, err, &mistake, dsn)
		require.NotContains(t, err.Error(), "secret")
	}
	d, err := mysql.Open(job.NewSecret("u:secret@tcp(h)/db?charset=utf8&sql_mode=ANSI"), mysql.Options{})
	require.NoError(t, err)
	require.Equal(t, "h:3306/db", d.Address())
	require.NoError(t, d.Close())
}
