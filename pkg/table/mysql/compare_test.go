package mysql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
)

// TestCompareColumns writes one value on each side and judges the pair.
func TestCompareColumns(t *testing.T) {
	t.Parallel()
	const equal, different = diff.Equal, diff.Different
	server := mysqltest.Shared(t)
	for name, c := range map[string]struct {
		source, destination        string // types
		sourceValue, destinedValue string // SQL
		want                       diff.Verdict
	}{
		"decimal scale":           {"DECIMAL(10,2)", "DECIMAL(10,4)", "1.50", "1.5", equal},
		"decimal":                 {"DECIMAL(30,10)", "DECIMAL(30,10)", "12345678901234567890.1", "12345678901234567890.2", different},
		"zerofill":                {"INT(5) ZEROFILL", "INT", "42", "42", equal},
		"64 bits":                 {"BIGINT UNSIGNED", "BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614", different},
		"bit and tinyint":         {"BIT(1)", "TINYINT", "b'1'", "1", equal},
		"bits":                    {"BIT(64)", "BIT(64)", "18446744073709551615", "18446744073709551614", different},
		"float beyond six digits": {"FLOAT", "FLOAT", "1.2345678", "1.2345671", different},
		"float":                   {"FLOAT", "FLOAT", "1.2345678", "1.2345678", equal},
		"float and double":        {"FLOAT", "DOUBLE", "0.1", "0.1", equal},
		"double":                  {"DOUBLE", "DOUBLE", "0.1", "0.10000000000000002", different},
		"float zero and null":     {"FLOAT", "FLOAT", "0", "NULL", different},
		"number as text":          {"INT", "VARCHAR(10)", "7", "'7'", equal},
		"null and empty":          {"VARCHAR(10)", "VARCHAR(10)", "NULL", "''", different},
		"case":                    {"VARCHAR(10)", "VARCHAR(10)", "'a'", "'A'", different},
		"trailing space":          {"VARCHAR(10)", "VARCHAR(10)", "'a '", "'a'", different},
		"trailing space in char":  {"VARCHAR(10)", "CHAR(10)", "'a '", "'a'", equal},
		"character set":           {"VARCHAR(10)", "VARCHAR(10) CHARACTER SET latin1", "'é'", "'é'", equal},
		"lost emoji":              {"VARCHAR(10)", "VARCHAR(10) CHARACTER SET utf8mb3", "'x😀y'", "'x?y'", different},
		"binary and varbinary":    {"BINARY(4)", "VARBINARY(4)", "'a'", "'a'", equal},
		"blob":                    {"BLOB", "BLOB", "x'ff'", "x'fe'", different},
		"enum by label":           {"ENUM('a','b')", "ENUM('b','a')", "'a'", "'a'", equal},
		"set by labels":           {"SET('x','y')", "SET('y','x')", "'x,y'", "'x,y'", equal},
		"json key order":          {"JSON", "JSON", `'{"a":1,"b":2}'`, `'{"b":2.0, "a":1}'`, equal},
		"json big integer":        {"JSON", "JSON", `'[9007199254740992]'`, `'[9007199254740993]'`, different},
		"fraction":                {"DATETIME", "DATETIME(3)", "'2026-11-22 10:00:01'", "'2026-11-22 10:00:01'", equal},
		"lost fraction":           {"DATETIME(3)", "DATETIME", "'2026-11-22 10:00:01.5'", "'2026-11-22 10:00:01'", different},
		"zero dates":              {"DATETIME", "DATE", "'0000-00-00'", "'0000-00-00'", equal},
		"zero date is not null":   {"DATE", "DATE", "'0000-00-00'", "NULL", different},
		"partial date":            {"DATE", "DATE", "'2023-00-00'", "'2022-11-30'", different},
		"timestamp and datetime":  {"TIMESTAMP NULL", "DATETIME", "'2026-11-22 10:00:01'", "'2026-11-22 10:00:01'", equal},
		"datetime and timestamp":  {"DATETIME(6)", "TIMESTAMP(3) NULL", "'2026-11-22 10:00:01.25'", "'2026-11-22 10:00:01.25'", equal},
		"timestamps":              {"TIMESTAMP NULL", "TIMESTAMP NULL", "'2026-11-22 10:00:01'", "'2026-11-22 10:00:02'", different},
		"times":                   {"TIME(3)", "TIME", "'-838:59:59'", "'-838:59:59'", equal},
		"year":                    {"YEAR", "YEAR", "2026", "2025", different},
		"point":                   {"POINT", "POINT", "POINT(1,2)", "POINT(1,2)", equal},
		"uuid and text":           {"UUID", "CHAR(36)", "'6ccd780c-baba-1026-9564-5b8c656024db'", "'6ccd780c-baba-1026-9564-5b8c656024db'", equal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, server)
			p.columns("c")
			p.source.Exec(t, fmt.Sprintf("SET sql_mode=''; CREATE TABLE t (id INT PRIMARY KEY, number INT, c %s); INSERT INTO t VALUES (1, 1, %s)", c.source, c.sourceValue))
			p.destination.Exec(t, fmt.Sprintf("SET sql_mode=''; CREATE TABLE t (number INT PRIMARY KEY, c %s); INSERT INTO t VALUES (1, %s)", c.destination, c.destinedValue))
			plan := p.plan(t)
			outcome := compare(t, plan)[0]
			require.Equal(t, c.want, outcome.Verdict)
			if c.want == diff.Different {
				require.Equal(t, []string{"c"}, outcome.Columns)
			}
		})
	}
}

// related makes a pair with byColumns of the given types and values.
func related(t *testing.T, source, destination string, sourceKeys, destinationKeys []any) *pair {
	t.Helper()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, number "+source+", KEY (number))")
	p.destination.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, number "+destination+", KEY (number))")
	for _, key := range sourceKeys {
		p.source.Exec(t, "INSERT INTO t (number) VALUES (?)", key)
	}
	for _, key := range destinationKeys {
		p.destination.Exec(t, "INSERT INTO t (number) VALUES (?)", key)
	}
	return p
}

func TestRelateByColumn(t *testing.T) {
	t.Parallel()
	const equal, missing, several = diff.Equal, diff.Missing, diff.Several
	for name, c := range map[string]struct {
		source, destination         string
		sourceKeys, destinationKeys []any
		want                        []diff.Verdict
	}{
		"integers": {"BIGINT UNSIGNED", "BIGINT UNSIGNED",
			[]any{"18446744073709551615", "9007199254740993", nil}, []any{"18446744073709551615", "9007199254740992"},
			[]diff.Verdict{equal, missing, missing}},
		"case": {"VARCHAR(20)", "VARCHAR(20)",
			[]any{"abc", "ABC", "xyz"}, []any{"ABC", "Xyz "},
			[]diff.Verdict{missing, equal, diff.Respelled}},
		"text that is no number": {"VARCHAR(30)", "INT",
			[]any{"7", "007x", "1.5", "", "99999999999999999999999"}, []any{7, 0, 1},
			[]diff.Verdict{equal, missing, missing, missing, missing}},
		"integer in a text": {"INT", "VARCHAR(20)",
			[]any{1, 2}, []any{"1", "2a", " 2"},
			[]diff.Verdict{equal, missing}},
		"wider than the character set": {"VARCHAR(20)", "VARCHAR(20) CHARACTER SET utf8mb3",
			[]any{"x😀y", "é", "b"}, []any{"x?y", "é", "b"},
			[]diff.Verdict{missing, equal, equal}},
		"latin1": {"VARCHAR(20)", "VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_bin",
			[]any{"ключ", "é", "b"}, []any{"????", "é", "b"},
			[]diff.Verdict{missing, equal, equal}},
		"ascii": {"VARCHAR(20)", "VARCHAR(20) CHARACTER SET ascii",
			[]any{"é", "b'\\"}, []any{"b'\\"},
			[]diff.Verdict{missing, equal}},
		"decimals": {"DECIMAL(30,2)", "DECIMAL(30,4)",
			[]any{"12345678901234567890.10", "2.50"}, []any{"12345678901234567890.1", "2.5001"},
			[]diff.Verdict{equal, missing}},
		"bytes": {"BINARY(4)", "VARBINARY(4)",
			[]any{"a\x00\x00\x00", "\xff\xfe'\\"}, []any{"\xff\xfe'\\"},
			[]diff.Verdict{missing, equal}},
		"dates": {"DATETIME", "DATE",
			[]any{"2026-11-22 00:00:00", "2026-11-22 01:00:00"}, []any{"2026-11-22"},
			[]diff.Verdict{equal, missing}},
		"several at the destination": {"INT", "INT", []any{1, 2}, []any{1, 1, 2}, []diff.Verdict{several, equal}},
		"several at the source":      {"INT", "INT", []any{1, 1, 2}, []any{1, 2}, []diff.Verdict{several, several, equal}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := related(t, c.source, c.destination, c.sourceKeys, c.destinationKeys).plan(t)
			var verdicts []diff.Verdict
			for _, outcome := range compare(t, plan) {
				verdicts = append(verdicts, outcome.Verdict)
			}
			require.Equal(t, c.want, verdicts)
		})
	}
}

// TestLookupInSeveralQueries: a row that two queries find by collation is one.
func TestLookupInSeveralQueries(t *testing.T) {
	t.Parallel()
	p := related(t, "VARCHAR(20) COLLATE utf8mb4_bin", "VARCHAR(20)", nil, nil)
	var by []diff.Key
	var rows []string
	for i := range 2500 {
		by = append(by, diff.Key(fmt.Sprintf("key%d", i)))
		rows = append(rows, fmt.Sprintf("('key%d')", i))
	}
	p.destination.Exec(t, "INSERT INTO t (number) VALUES "+strings.Join(rows, ", "))
	by = append(by, "KEY7", "key7", "not there")
	found, err := p.plan(t).Destinations[0].Lookup(t.Context(), by)
	require.NoError(t, err)
	require.Len(t, found, 2500)
	none, err := p.plan(t).Destinations[0].Lookup(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestShared(t *testing.T) {
	t.Parallel()
	p := related(t, "VARCHAR(20)", "VARCHAR(20)", []any{"a", "b", "b", "B", "c", nil, nil}, nil)
	source := p.plan(t).Source
	rows, err := source.Lookup(t.Context(), []string{"1", "2", "4", "6"}, false)
	require.NoError(t, err)
	shared, err := source.Shared(t.Context(), rows)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"2": true}, shared)
}

func TestSharedAsksNothingOfAUniqueColumn(t *testing.T) {
	t.Parallel()
	p := related(t, "INT", "INT", []any{1, 1}, nil)
	p.source.Exec(t, "ALTER TABLE t DROP INDEX number") // now nothing finds the rows
	source := p.plan(t).Source
	rows, err := source.Lookup(t.Context(), []string{"1", "2"}, false)
	require.NoError(t, err)
	p.source.Exec(t, "DROP TABLE t") // a query would fail
	shared, err := source.Shared(t.Context(), rows)
	require.NoError(t, err)
	require.Empty(t, shared)
}
