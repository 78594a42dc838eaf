package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// TestColumnOptions: what they overlook, hashes overlook as well, or there are none.
func TestColumnOptions(t *testing.T) {
	t.Parallel()
	two, none := 2, 0
	trim, noCase := job.ColumnOptions{Trim: true}, job.ColumnOptions{IgnoreCase: true}
	cent, seconds := job.ColumnOptions{Tolerance: "0.01"}, job.ColumnOptions{Tolerance: "2s"}
	for name, c := range map[string]struct {
		typeCase
		options job.ColumnOptions
		hashed  bool
	}{
		"trim":                      {typeCase{"VARCHAR(20)", "VARCHAR(20)", "'  a b '", "'a b'", true}, trim, true},
		"trim, differs":             {typeCase{"VARCHAR(20)", "VARCHAR(20)", "' a'", "'b'", false}, trim, true},
		"trim, null":                {typeCase{"VARCHAR(20)", "VARCHAR(20)", "''", "NULL", false}, trim, true},
		"trim, char":                {typeCase{"CHAR(20)", "TEXT", "' a'", "'a   '", true}, trim, true},
		"trim, latin1":              {typeCase{"VARCHAR(20) CHARACTER SET latin1", "VARCHAR(20)", "' é'", "'é '", true}, trim, true},
		"trim, sjis":                {typeCase{"VARCHAR(20) CHARACTER SET sjis", "VARCHAR(20) CHARACTER SET sjis", "' 表'", "'表 '", true}, trim, true},
		"case":                      {typeCase{"VARCHAR(20)", "VARCHAR(20) COLLATE utf8mb4_bin", "'ÀBC Ж'", "'àbc ж'", true}, noCase, true},
		"case, latin1":              {typeCase{"VARCHAR(20) CHARACTER SET latin1", "VARCHAR(20) CHARACTER SET latin1", "'É'", "'é'", true}, noCase, true},
		"case, accent":              {typeCase{"VARCHAR(20)", "VARCHAR(20)", "'e'", "'É'", false}, noCase, true},
		"case, gbk":                 {typeCase{"VARCHAR(9) CHARACTER SET gbk", "VARCHAR(9) CHARACTER SET gbk", "'中a'", "'中A'", true}, noCase, true},
		"case, gbk differs":         {typeCase{"VARCHAR(9) CHARACTER SET gbk", "VARCHAR(9) CHARACTER SET gbk", "_gbk x'C4A2'", "_gbk x'C4A3'", false}, noCase, true},
		"case, enum":                {typeCase{"ENUM('a','b')", "VARCHAR(9)", "'a'", "'A'", true}, noCase, true},
		"case and spaces":           {typeCase{"VARCHAR(9)", "CHAR(9)", "' A'", "'a'", true}, job.ColumnOptions{Trim: true, IgnoreCase: true}, true},
		"tolerance":                 {typeCase{"DECIMAL(10,2)", "DOUBLE", "1.00", "1.009", true}, cent, false},
		"tolerance, beyond":         {typeCase{"DECIMAL(10,2)", "DECIMAL(10,4)", "1.00", "1.0101", false}, cent, false},
		"tolerance, null":           {typeCase{"INT", "INT", "0", "NULL", false}, cent, false},
		"tolerance of times":        {typeCase{"DATETIME(3)", "DATETIME", "'2026-11-22 10:00:00.5'", "'2026-11-22 10:00:02'", true}, seconds, false},
		"tolerance of timestamps":   {typeCase{"TIMESTAMP NULL", "TIMESTAMP NULL", "'2026-11-22 10:00:00'", "'2026-11-22 10:00:03'", false}, seconds, false},
		"precision":                 {typeCase{"DATETIME(6)", "DATETIME", "'2026-11-22 10:00:00.7'", "'2026-11-22 10:00:01'", true}, job.ColumnOptions{Precision: &none}, false},
		"precision, a second":       {typeCase{"DATETIME(6)", "DATETIME", "'2026-11-22 10:00:00.0'", "'2026-11-22 10:00:01'", false}, job.ColumnOptions{Precision: &none}, false},
		"precision of numbers":      {typeCase{"DECIMAL(10,4)", "DECIMAL(10,2)", "1.2399", "1.24", true}, job.ColumnOptions{Precision: &two}, false},
		"precision of floats":       {typeCase{"DOUBLE", "DECIMAL(10,2)", "1.239", "1.23", true}, job.ColumnOptions{Precision: &two}, false},
		"zone":                      {typeCase{"DATETIME", "DATETIME", "'2026-11-22 10:00:00'", "'2026-11-22 02:00:00'", true}, job.ColumnOptions{Zone: "-08:00"}, true},
		"zone, differs":             {typeCase{"DATETIME(3)", "DATETIME", "'2026-11-22 10:00:00'", "'2026-11-22 10:00:00'", false}, job.ColumnOptions{Zone: "-08:00"}, true},
		"zone, zero date":           {typeCase{"DATETIME", "DATETIME", "'0000-00-00'", "'0000-00-00'", true}, job.ColumnOptions{Zone: "+08:00"}, true},
		"zone with summer time":     {typeCase{"DATETIME", "DATETIME", "'2026-07-01 10:00:00'", "'2026-07-01 12:00:00'", true}, job.ColumnOptions{Zone: "Europe/Berlin"}, false},
		"zone in a repeated hour":   {typeCase{"DATETIME", "DATETIME", "'2026-10-25 01:30:00'", "'2026-10-25 02:30:00'", true}, job.ColumnOptions{Zone: "Europe/Berlin"}, false},
		"zone of a timestamp":       {typeCase{"TIMESTAMP NULL", "DATETIME", "'2026-11-22 10:00:00'", "'2026-11-22 18:00:00'", true}, job.ColumnOptions{Zone: "Asia/Shanghai"}, false},
		"zone and a timestamp":      {typeCase{"DATETIME(6)", "TIMESTAMP(6) NULL", "'2026-11-22 18:00:00.25'", "'2026-11-22 10:00:00.25'", true}, job.ColumnOptions{Zone: "+08:00"}, true},
		"zone, a timestamp differs": {typeCase{"TIMESTAMP NULL", "DATETIME", "'2026-11-22 10:00:00'", "'2026-11-22 10:00:00'", false}, job.ColumnOptions{Zone: "+08:00"}, true},
		"ignore":                    {typeCase{"INT", "JSON", "1", "'[]'", true}, job.ColumnOptions{Ignore: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := typed(t, mysqltest.Shared(t), c.typeCase)
			p.options("c", c.options)
			plan := p.plan(t)
			require.Equal(t, c.equal, compare(t, plan)[0].Verdict == diff.Equal, "as rows")
			hashed, why := plan.Destinations[0].Hashable()
			require.Equal(t, c.hashed, hashed, why)
			if !hashed {
				require.Contains(t, why, "`c`")
				require.Equal(t, mysql.Rows, plan.Pairing(0, mysql.PairingOptions{}).Strategy())
				return
			}
			require.Equal(t, c.equal, foldsEqual(t, plan.Pairing(0, mysql.PairingOptions{})), "by range")
			require.Equal(t, c.equal, lookupsEqual(t, plan), "by key")
		})
	}
}

// options bends the column.
func (p *pair) options(column string, o job.ColumnOptions) {
	columns := p.job.Destinations[0].Columns
	for i := range columns {
		if columns[i].Source == column {
			columns[i].Options = o
		}
	}
}

// TestEveryLetterWithoutItsCase: what a server holds for the same letter without
// regard to case, the rule holds for the same, so that equal hashes are equal rows.
func TestEveryLetterWithoutItsCase(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	rule := diff.Pair{Rule: diff.Bytes, Options: diff.Options{IgnoreCase: true}}
	for _, collation := range []string{"utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_unicode_520_ci", "utf8mb4_uca1400_ai_ci"} {
		require.Greater(t, lettersLowered(t, p.source, collation, rule), 100_000)
	}
}

// lettersLowered compares each letter with what a server makes of it, and counts them.
func lettersLowered(t *testing.T, d *mysqltest.Database, collation string, rule diff.Pair) (letters int) {
	t.Helper()
	rows, err := d.DB.QueryContext(t.Context(), "SELECT c, LOWER(c COLLATE "+collation+") FROM"+
		" (SELECT CONVERT(CHAR(seq USING utf32) USING utf8mb4) c FROM seq_33_to_125250 WHERE seq NOT BETWEEN 55296 AND 57343) letters")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for ; rows.Next(); letters++ {
		var letter, lower []byte
		require.NoError(t, rows.Scan(&letter, &lower))
		if !rule.Equal(letter, lower) {
			t.Errorf("%q and %q are the same to %s", letter, lower, collation)
		}
	}
	require.NoError(t, rows.Err())
	return letters
}

func TestOptionsThatDoNotFit(t *testing.T) {
	t.Parallel()
	one := 1
	for name, c := range map[string]struct {
		source, destination string
		options             job.ColumnOptions
		want                string
	}{
		"trim":                {"INT", "INT", job.ColumnOptions{Trim: true}, "trim is for two texts; leave it out"},
		"case":                {"VARCHAR(9)", "BLOB", job.ColumnOptions{IgnoreCase: true}, "ignoreCase is for two texts; leave it out"},
		"a duration":          {"INT", "INT", job.ColumnOptions{Tolerance: "2s"}, "a tolerance of 2s is none of numbers; write a number such as 0.01"},
		"a number":            {"DATETIME", "DATETIME", job.ColumnOptions{Tolerance: "2"}, "a tolerance of 2 is none of times; write a duration such as 2s"},
		"tolerance of a text": {"TEXT", "TEXT", job.ColumnOptions{Tolerance: "2"}, "tolerance is for numbers and times; leave it out"},
		"precision of a text": {"TEXT", "TEXT", job.ColumnOptions{Precision: &one}, "precision is for numbers and times; leave it out"},
		"zone of a date":      {"DATE", "DATETIME", job.ColumnOptions{Zone: "UTC"}, "zone is for a DATETIME that meets a DATETIME or a TIMESTAMP; leave it out"},
		"zone of instants":    {"TIMESTAMP NULL", "TIMESTAMP NULL", job.ColumnOptions{Zone: "UTC"}, "zone is for a DATETIME that meets a DATETIME or a TIMESTAMP; leave it out"},
		"no zone":             {"DATETIME", "DATETIME", job.ColumnOptions{Zone: "Mars"}, `the zone "Mars" of column ` + "`c`" + ` is not known; write an offset such as +08:00 or a name such as Asia/Shanghai`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := typed(t, mysqltest.Shared(t), typeCase{source: c.source, destination: c.destination, sourceValue: "NULL", destinationValue: "NULL"})
			p.options("c", c.options)
			problems := p.problems(t)
			require.Len(t, problems, 1)
			require.Contains(t, problems[0].What+"; "+problems[0].Mend, c.want)
		})
	}
	t.Run("of a byColumn", func(t *testing.T) {
		t.Parallel()
		p := typed(t, mysqltest.Shared(t), typeCase{source: "INT", destination: "INT", sourceValue: "1", destinationValue: "1"})
		p.options("number", job.ColumnOptions{Tolerance: "1"})
		problems := p.problems(t)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].String(), "the byColumn `number` relates rows: options cannot bend it")
	})
}

// TestPairsThatCannotHoldTheSame are named, with the option that makes them bearable.
func TestPairsThatCannotHoldTheSame(t *testing.T) {
	t.Parallel()
	two := 2
	for name, c := range map[string]struct {
		source, destination string
		options             job.ColumnOptions
		want                string // "" for no warning
	}{
		"fraction":             {"DATETIME(6)", "DATETIME(3)", job.ColumnOptions{}, "will always differ; set precision: 3 for the column, or ignore: true"},
		"fraction, mended":     {"DATETIME(6)", "DATETIME(2)", job.ColumnOptions{Precision: &two}, ""},
		"fraction, tolerated":  {"TIME(6)", "TIME", job.ColumnOptions{Tolerance: "1s"}, ""},
		"day":                  {"TIMESTAMP NULL", "DATE", job.ColumnOptions{}, "a row with a time of day will always differ; set ignore: true for the column, or keep the time of day"},
		"day, ignored":         {"TIMESTAMP NULL", "DATE", job.ColumnOptions{Ignore: true}, ""},
		"scale":                {"DECIMAL(10,4)", "DECIMAL(20,2)", job.ColumnOptions{}, "a number with more digits behind the point will always differ; set precision: 2 for the column"},
		"scale, whole":         {"DECIMAL(10,4)", "BIGINT", job.ColumnOptions{}, "set precision: 0 for the column"},
		"scale of a float":     {"DOUBLE", "DECIMAL(20,2)", job.ColumnOptions{}, "set precision: 2 for the column"},
		"scale, mended":        {"DOUBLE", "DECIMAL(20,2)", job.ColumnOptions{Precision: &two}, ""},
		"float":                {"FLOAT", "DOUBLE", job.ColumnOptions{}, "they are compared as FLOAT, with its 24 bits"},
		"letters":              {"VARCHAR(9)", "VARCHAR(9) CHARACTER SET latin1", job.ColumnOptions{}, "a row with a letter that latin1 lacks will always differ; set ignore: true for the column, or give"},
		"length":               {"VARCHAR(10)", "VARCHAR(9)", job.ColumnOptions{}, "a longer value will always differ; set ignore: true for the column, or widen"},
		"length of bytes":      {"LONGBLOB", "BLOB", job.ColumnOptions{}, "a longer value will always differ"},
		"wider":                {"VARCHAR(9)", "TEXT", job.ColumnOptions{}, ""},
		"wider numbers":        {"DECIMAL(10,2)", "DECIMAL(20,4)", job.ColumnOptions{}, ""},
		"the same":             {"DATETIME(3)", "DATETIME(3)", job.ColumnOptions{}, ""},
		"utf8mb3 into utf8mb4": {"VARCHAR(9) CHARACTER SET utf8mb3", "VARCHAR(9)", job.ColumnOptions{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := typed(t, mysqltest.Shared(t), typeCase{source: c.source, destination: c.destination, sourceValue: "NULL", destinationValue: "NULL"})
			p.options("c", c.options)
			warnings := lines(p.plan(t).Warnings)
			if c.want == "" {
				require.Empty(t, warnings)
				return
			}
			require.Contains(t, warnings, c.want)
		})
	}
}
