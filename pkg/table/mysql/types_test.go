package mysql_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// typeCase is one value on each side, in SQL, and what is to be said of them.
type typeCase struct {
	source, destination           string // types
	sourceValue, destinationValue string
	equal                         bool
}

// hashedTypes are pairs of types with a text that says whether values are equal.
var hashedTypes = map[string]typeCase{
	"tinyint":                         {"TINYINT", "TINYINT", "-128", "-128", true},
	"tinyint of another width":        {"TINYINT", "BIGINT", "-128", "-128", true},
	"tinyint above one":               {"TINYINT(1)", "TINYINT(1)", "2", "1", false},
	"smallint":                        {"SMALLINT UNSIGNED", "MEDIUMINT", "65535", "65535", true},
	"mediumint":                       {"MEDIUMINT", "MEDIUMINT", "-8388608", "-8388607", false},
	"int":                             {"INT", "INT UNSIGNED", "0", "0", true},
	"int and its sign":                {"INT", "INT", "1", "-1", false},
	"bigint":                          {"BIGINT", "BIGINT", "-9223372036854775808", "-9223372036854775808", true},
	"bigint beyond 53 bits":           {"BIGINT", "BIGINT", "9007199254740992", "9007199254740993", false},
	"bigint unsigned":                 {"BIGINT UNSIGNED", "DECIMAL(20,0)", "18446744073709551615", "18446744073709551615", true},
	"bigint unsigned is not minus 1":  {"BIGINT UNSIGNED", "BIGINT", "18446744073709551615", "-1", false},
	"zerofill":                        {"INT(5) ZEROFILL", "INT", "42", "42", true},
	"zerofill differs":                {"INT(5) ZEROFILL", "INT(7) ZEROFILL", "42", "420", false},
	"zero and null":                   {"INT", "INT", "0", "NULL", false},
	"null and null":                   {"INT", "BIGINT", "NULL", "NULL", true},
	"bool and bit":                    {"BOOL", "BIT(1)", "1", "b'1'", true},
	"bit":                             {"BIT(9)", "BIT(16)", "b'100101100'", "b'100101100'", true},
	"bit differs":                     {"BIT(64)", "BIT(64)", "18446744073709551615", "18446744073709551614", false},
	"bit and integer":                 {"BIT(64)", "BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615", true},
	"bit zero and null":               {"BIT(8)", "BIT(8)", "b'0'", "NULL", false},
	"year":                            {"YEAR", "YEAR", "2026", "2026", true},
	"year zero":                       {"YEAR", "INT", "0", "0", true},
	"year differs":                    {"YEAR", "SMALLINT", "2026", "2025", false},
	"decimal":                         {"DECIMAL(30,10)", "DECIMAL(30,10)", "12345678901234567890.1", "12345678901234567890.2", false},
	"decimal scale":                   {"DECIMAL(10,2)", "DECIMAL(10,4)", "1.50", "1.5", true},
	"decimal scale differs":           {"DECIMAL(10,2)", "DECIMAL(10,4)", "1.50", "1.5001", false},
	"decimal scale, widest":           {"DECIMAL(35,0)", "DECIMAL(65,30)", "99999999999999999999999999999999999", "99999999999999999999999999999999999", true},
	"decimal and integer":             {"DECIMAL(10,2)", "INT", "-7.00", "-7", true},
	"decimal and integer differ":      {"DECIMAL(10,2)", "INT", "-7.01", "-7", false},
	"decimal minus zero":              {"DECIMAL(10,2)", "DECIMAL(10,4)", "-0.001", "0", true},
	"decimal zerofill":                {"DECIMAL(10,2) ZEROFILL", "DECIMAL(10,2)", "1.5", "1.5", true},
	"double":                          {"DOUBLE", "DOUBLE", "0.1", "0.1", true},
	"double, last bit":                {"DOUBLE", "DOUBLE", "0.1", "0.10000000000000002", false},
	"double, minus zero":              {"DOUBLE", "DOUBLE", "-0e0", "0", true},
	"double, tiny":                    {"DOUBLE", "DOUBLE", "2.5e-300", "7.5e-300", false},
	"double, least":                   {"DOUBLE", "DOUBLE", "2.2250738585072014e-308", "2.2250738585072014e-308", true},
	"double, greatest":                {"DOUBLE", "DOUBLE", "-1.7976931348623157e308", "-1.7976931348623155e308", false},
	"double with digits":              {"DOUBLE(10,2)", "DOUBLE", "1.25", "1.25", true},
	"double zero and null":            {"DOUBLE", "DOUBLE", "0", "NULL", false},
	"float":                           {"FLOAT", "FLOAT", "1.2345678", "1.2345678", true},
	"float beyond six digits":         {"FLOAT", "FLOAT", "1.2345678", "1.2345671", false},
	"float, whole":                    {"FLOAT", "FLOAT", "16777216", "16777218", false},
	"float zero and null":             {"FLOAT", "FLOAT", "0", "NULL", false},
	"date":                            {"DATE", "DATE", "'2026-11-22'", "'2026-11-22'", true},
	"zero date":                       {"DATE", "DATETIME(3)", "'0000-00-00'", "'0000-00-00'", true},
	"zero date is not null":           {"DATE", "DATE", "'0000-00-00'", "NULL", false},
	"partial date":                    {"DATE", "DATE", "'2023-00-00'", "'2022-11-30'", false},
	"partial date, equal":             {"DATETIME", "DATE", "'2023-00-00'", "'2023-00-00'", true},
	"date and midnight":               {"DATE", "DATETIME", "'2026-11-22'", "'2026-11-22'", true},
	"date and noon":                   {"DATETIME(6)", "DATE", "'2026-11-22 12:00:00'", "'2026-11-22'", false},
	"time":                            {"TIME", "TIME(3)", "'-838:59:59'", "'-838:59:59'", true},
	"time fraction":                   {"TIME(6)", "TIME(3)", "'10:00:00.500001'", "'10:00:00.500'", false},
	"time fraction, padded":           {"TIME(6)", "TIME(3)", "'10:00:00.500000'", "'10:00:00.500'", true},
	"timestamp":                       {"TIMESTAMP NULL", "TIMESTAMP(6) NULL", "'2026-11-22 10:00:00'", "'2026-11-22 10:00:00'", true},
	"timestamp in a repeated hour":    {"TIMESTAMP NULL", "TIMESTAMP NULL", "FROM_UNIXTIME(1793493000)", "FROM_UNIXTIME(1793496600)", false},
	"zero timestamp":                  {"TIMESTAMP NULL", "TIMESTAMP(3) NULL", "'0000-00-00'", "'0000-00-00'", true},
	"zero timestamp and null":         {"TIMESTAMP NULL", "TIMESTAMP NULL", "'0000-00-00'", "NULL", false},
	"timestamp and datetime":          {"TIMESTAMP NULL", "DATETIME", "'2026-11-22 10:00:01'", "'2026-11-22 10:00:01'", true},
	"datetime and timestamp":          {"DATETIME(6)", "TIMESTAMP(3) NULL", "'2026-11-22 10:00:01.25'", "'2026-11-22 10:00:01.25'", true},
	"datetime and timestamp differ":   {"DATETIME", "TIMESTAMP NULL", "'2026-11-22 10:00:01'", "'2026-11-22 10:00:02'", false},
	"zero timestamp and zero date":    {"TIMESTAMP NULL", "DATETIME", "'0000-00-00'", "'0000-00-00'", true},
	"char":                            {"CHAR(5)", "CHAR(9)", "'a'", "'a  '", true},
	"char and varchar":                {"VARCHAR(10)", "CHAR(10)", "'a '", "'a'", true},
	"char and varchar differ":         {"VARCHAR(10)", "CHAR(10)", "' a'", "'a'", false},
	"char and text":                   {"CHAR(10)", "TEXT", "'a'", "'a\t'", false},
	"varchar":                         {"VARCHAR(10)", "VARCHAR(20)", "'a'", "'a'", true},
	"varchar, trailing space":         {"VARCHAR(10)", "VARCHAR(10)", "'a '", "'a'", false},
	"varchar, case":                   {"VARCHAR(10)", "VARCHAR(10)", "'a'", "'A'", false},
	"varchar, accent":                 {"VARCHAR(10)", "VARCHAR(10) COLLATE utf8mb4_bin", "'e'", "'é'", false},
	"varchar, other collation":        {"VARCHAR(10) COLLATE utf8mb4_unicode_ci", "VARCHAR(10) COLLATE utf8mb4_bin", "'é'", "'é'", true},
	"varchar, other normal form":      {"VARCHAR(10)", "VARCHAR(10)", "_utf8mb4 x'65CC81'", "'é'", false},
	"varchar, null and empty":         {"VARCHAR(10)", "VARCHAR(10)", "NULL", "''", false},
	"varchar, null and its name":      {"VARCHAR(10)", "VARCHAR(10)", "NULL", "'NULL'", false},
	"varchar, null and its mark":      {"VARCHAR(10)", "VARCHAR(10)", "NULL", "'N'", false},
	"varchar, null by another column": {"VARCHAR(10)", "VARCHAR(10) NOT NULL", "NULL", "''", false},
	"text":                            {"TEXT", "LONGTEXT", "REPEAT('é',20000)", "REPEAT('é',20000)", true},
	"text differs":                    {"TEXT", "MEDIUMTEXT", "CONCAT(REPEAT('é',20000),'a')", "CONCAT(REPEAT('é',20000),'b')", false},
	"latin1":                          {"VARCHAR(10) CHARACTER SET latin1", "VARCHAR(10)", "'é'", "'é'", true},
	"latin1 on both sides":            {"VARCHAR(10) CHARACTER SET latin1", "VARCHAR(10) CHARACTER SET latin1", "'é'", "'è'", false},
	"latin1, all bytes":               {"VARCHAR(10) CHARACTER SET latin1", "VARCHAR(10) CHARACTER SET latin1", "_latin1 x'81'", "_latin1 x'8D'", false},
	"utf8mb3":                         {"VARCHAR(10) CHARACTER SET utf8mb3", "VARCHAR(10)", "'中'", "'中'", true},
	"utf8mb3, lost emoji":             {"VARCHAR(10)", "VARCHAR(10) CHARACTER SET utf8mb3", "'x😀y'", "'x?y'", false},
	"emoji":                           {"VARCHAR(10)", "VARCHAR(10)", "'x😀y'", "'x😁y'", false},
	"ascii":                           {"CHAR(36) CHARACTER SET ascii", "VARCHAR(36)", "'abc'", "'abc'", true},
	"ascii, beyond it":                {"VARCHAR(9) CHARACTER SET ascii", "VARCHAR(9) CHARACTER SET ascii", "x'80'", "x'FF'", false},
	"ascii, beyond it, and Unicode":   {"VARCHAR(9) CHARACTER SET ascii", "VARCHAR(9)", "x'6180'", "'a?'", false},
	"Unicode and ascii beyond it":     {"CHAR(9)", "VARCHAR(9) CHARACTER SET ascii", "'?'", "x'FF'", false},
	"ascii, beyond it, and bytes":     {"VARCHAR(9) CHARACTER SET ascii", "VARBINARY(9)", "x'80'", "x'80'", true},
	"ascii and latin1, beyond it":     {"VARCHAR(9) CHARACTER SET ascii", "VARCHAR(9) CHARACTER SET latin1", "x'E9'", "_latin1 x'E9'", false},
	"ascii, a question mark":          {"VARCHAR(9) CHARACTER SET ascii", "CHAR(9) CHARACTER SET utf16", "'a? '", "'a?'", true},
	"ascii and labels":                {"ENUM('a','b') CHARACTER SET ascii", "VARCHAR(9)", "'b'", "'b'", true},
	"gbk":                             {"VARCHAR(9) CHARACTER SET gbk", "VARCHAR(9)", "'中'", "'中'", true},
	"sjis, beyond Unicode":            {"VARCHAR(9) CHARACTER SET sjis", "VARCHAR(9) CHARACTER SET sjis", "_sjis x'8740'", "_sjis x'8780'", false},
	"sjis":                            {"CHAR(9) CHARACTER SET sjis", "VARCHAR(9) CHARACTER SET sjis", "'表'", "'表 '", true},
	"ucs2":                            {"VARCHAR(9) CHARACTER SET ucs2", "CHAR(9) CHARACTER SET ucs2", "'é '", "'é'", true},
	"utf16 and latin1":                {"VARCHAR(9) CHARACTER SET utf16", "VARCHAR(9) CHARACTER SET latin1", "'é'", "'é'", true},
	"utf32":                           {"VARCHAR(9) CHARACTER SET utf32", "VARCHAR(9) CHARACTER SET utf8mb3", "'é'", "'è'", false},
	"binary":                          {"BINARY(4)", "BINARY(4)", "'a'", "'a'", true},
	"binary and its zeros":            {"BINARY(4)", "VARBINARY(9)", "'a'", "'a'", true},
	"binary differs":                  {"BINARY(4)", "BINARY(4)", "x'61FF'", "x'61FE'", false},
	"binary of another width":         {"BINARY(4)", "BINARY(6)", "x'0061'", "x'0061'", true},
	"varbinary":                       {"VARBINARY(4)", "VARBINARY(4)", "x'6100'", "x'61'", false},
	"varbinary and text":              {"VARBINARY(4)", "VARCHAR(4)", "'é'", "'é'", true},
	"blob":                            {"BLOB", "LONGBLOB", "x'FFFE'", "x'FFFE'", true},
	"blob differs":                    {"BLOB", "BLOB", "x'FF'", "x'FE'", false},
	"blob, null and empty":            {"BLOB", "BLOB", "NULL", "''", false},
	"enum by label":                   {"ENUM('a','b')", "ENUM('b','a')", "'a'", "'a'", true},
	"enum by index":                   {"ENUM('a','b')", "ENUM('b','a')", "'a'", "'b'", false},
	"enum and text":                   {"ENUM('a,b','c')", "VARCHAR(9)", "'a,b'", "'a,b'", true},
	"enum, invalid":                   {"ENUM('a','b')", "ENUM('a','b')", "'x'", "NULL", false},
	"set":                             {"SET('x','y')", "SET('x','y')", "'y,x'", "'x,y'", true},
	"set differs":                     {"SET('x','y')", "SET('x','y')", "'x'", "'x,y'", false},
	"set, none and null":              {"SET('x','y')", "SET('x','y')", "''", "NULL", false},
	"point":                           {"POINT", "GEOMETRY", "POINT(1,2)", "POINT(1,2)", true},
	"point differs":                   {"POINT", "POINT", "POINT(1,2)", "POINT(2,1)", false},
	"linestring":                      {"LINESTRING", "GEOMETRY", "LINESTRING(POINT(1,2),POINT(3,4))", "LINESTRING(POINT(1,2),POINT(3,5))", false},
	"generated":                       {"INT AS (number+41) STORED", "INT", "DEFAULT", "42", true},
	"generated, virtual":              {"INT AS (number+41) VIRTUAL", "INT", "DEFAULT", "43", false},
	"invisible":                       {"INT INVISIBLE", "INT", "42", "42", true},
	"invisible differs":               {"INT INVISIBLE", "INT INVISIBLE", "42", "NULL", false},
	"uuid and text":                   {"UUID", "CHAR(36)", "'6ccd780c-baba-1026-9564-5b8c656024db'", "'6ccd780c-baba-1026-9564-5b8c656024db'", true},
	"uuid":                            {"UUID", "UUID", "'6ccd780c-baba-1026-9564-5b8c656024db'", "'6ccd780c-baba-1026-9564-5b8c656024dc'", false},
	"address":                         {"INET6", "VARCHAR(40)", "'::1'", "'::1'", true},
}

// readTypes are pairs of types whose equal values have different texts.
var readTypes = map[string]typeCase{
	"number as text":          {"INT", "VARCHAR(10)", "7", "'7'", true},
	"number as another text":  {"INT", "VARCHAR(10)", "7", "'007'", true},
	"number and no number":    {"INT", "VARCHAR(10)", "7", "'7a'", false},
	"float and double":        {"FLOAT", "DOUBLE", "0.1", "0.1", true},
	"float and decimal":       {"FLOAT", "DECIMAL(10,2)", "0.5", "0.50", true},
	"double and decimal":      {"DOUBLE", "DECIMAL(20,2)", "0.5", "0.51", false},
	"decimals too wide":       {"DECIMAL(65,0)", "DECIMAL(65,30)", "7", "7", true},
	"time and datetime":       {"TIME", "DATETIME", "'10:00:00'", "'2026-11-22 10:00:00'", false},
	"date as text":            {"DATETIME(3)", "VARCHAR(30)", "'2026-11-22 10:00:00'", "'2026-11-22 10:00:00'", true},
	"set by labels":           {"SET('x','y')", "SET('y','x')", "'x,y'", "'x,y'", true},
	"set and text":            {"SET('x','y')", "VARCHAR(9)", "'x,y'", "'y,x'", true},
	"json":                    {"JSON", "JSON", `'{"a":1,"b":2}'`, `'{"b":2.0, "a":1}'`, true},
	"json big integer":        {"JSON", "JSON", `'[9007199254740992]'`, `'[9007199254740993]'`, false},
	"json and text":           {"JSON", "LONGTEXT", `'{"a":[1,2]}'`, `'{"a": [1, 2]}'`, true},
	"json null and null":      {"JSON", "JSON", `'null'`, `NULL`, false},
	"binary and text":         {"BINARY(4)", "VARCHAR(4)", "'a'", "'a'", true},
	"varbinary and char":      {"VARBINARY(4)", "CHAR(4)", "'a '", "'a'", true},
	"number and zero of text": {"DECIMAL(5,2)", "TEXT", "0", "''", false},
}

// TestHashesAgreeWithRows: server-side hashes give the verdict of the rows on
// every pair of types; a pair without a canonical text is read as rows.
func TestHashesAgreeWithRows(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	for _, table := range []struct {
		cases  map[string]typeCase
		hashed bool
	}{{hashedTypes, true}, {readTypes, false}} {
		for name, c := range table.cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := typed(t, server, c)
				plan := p.plan(t)
				require.Equal(t, c.equal, compare(t, plan)[0].Verdict == diff.Equal, "as rows")
				hashed, why := plan.Destinations[0].Hashable()
				require.Equal(t, table.hashed, hashed, why)
				for _, strong := range []bool{false, true} {
					pairing := plan.Pairing(0, mysql.PairingOptions{Checksum: checksum(strong)})
					if !hashed {
						require.Equal(t, mysql.Rows, pairing.Strategy())
						require.Equal(t, why, pairing.Reason())
						require.Contains(t, why, "`c`")
						continue
					}
					require.Equal(t, mysql.RangeChecksum, pairing.Strategy())
					require.Equal(t, c.equal, foldsEqual(t, pairing), "by range, strong %v", strong)
				}
				if hashed {
					require.Equal(t, c.equal, lookupsEqual(t, plan), "by key")
				}
			})
		}
	}
}

// TestOneTableOfAllCharacterSets: no mixture makes the server convert a text, or
// refuse the query.
func TestOneTableOfAllCharacterSets(t *testing.T) {
	t.Parallel()
	types := []struct{ source, destination string }{
		{"VARCHAR(9) COLLATE utf8mb4_bin", "VARCHAR(9) COLLATE utf8mb4_unicode_ci"},
		{"TEXT COLLATE utf8mb4_unicode_ci", "VARCHAR(9) CHARACTER SET latin1"},
		{"VARCHAR(9) CHARACTER SET latin1", "VARCHAR(9) CHARACTER SET latin1"},
		{"VARCHAR(9) CHARACTER SET gbk", "VARCHAR(9) CHARACTER SET gbk"},
		{"VARCHAR(9) CHARACTER SET sjis", "CHAR(9) CHARACTER SET utf8mb3"},
		{"VARCHAR(9) CHARACTER SET ucs2", "VARCHAR(9) CHARACTER SET utf16"},
		{"VARCHAR(9) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin", "LONGTEXT"},
		{"VARCHAR(9) CHARACTER SET ascii", "VARCHAR(9) CHARACTER SET ascii COLLATE ascii_bin"},
		{"VARBINARY(9)", "BINARY(9)"},
		{"ENUM('a','b') CHARACTER SET latin1", "ENUM('b','a') CHARACTER SET utf32"},
		{"SET('a','b') CHARACTER SET latin1", "SET('a','b')"},
		{"INT", "DECIMAL(9,2)"}, {"DATETIME(3)", "DATE"}, {"DOUBLE", "DOUBLE"}, {"BIT(3)", "INT"},
	}
	p := newPair(t, mysqltest.Shared(t))
	p.columns("id")
	columns, values := [2]string{}, ""
	for i, c := range types {
		name := fmt.Sprintf("c%d", i)
		p.columns(name)
		columns[0] += ", " + name + " " + c.source
		columns[1] += ", " + name + " " + c.destination
		switch {
		case strings.HasPrefix(c.source, "DATE"):
			values += ", '2026-11-22'"
		case i < 9:
			values += ", 'a'"
		default:
			values += ", 1" // the first label
		}
	}
	values = strings.Replace(values, ", 1", ", 'a'", 2) // labels that stand elsewhere
	for i, d := range []*mysqltest.Database{p.source, p.destination} {
		d.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, number INT UNIQUE"+columns[i]+"); INSERT INTO t VALUES (1, 1"+values+")")
	}
	plan := p.plan(t)
	for _, strong := range []bool{false, true} {
		pairing := plan.Pairing(0, mysql.PairingOptions{Checksum: checksum(strong)})
		require.True(t, foldsEqual(t, pairing))
		for i := range types {
			p.destination.Exec(t, fmt.Sprintf("UPDATE t SET c%d = NULL", i))
			require.False(t, foldsEqual(t, pairing), types[i])
			p.destination.Exec(t, fmt.Sprintf("REPLACE INTO t VALUES (1, 1%s)", values))
		}
	}
}

// typed is a pair of tables with one row each.
func typed(t *testing.T, server *mysqltest.Server, c typeCase) *pair {
	t.Helper()
	p := newPair(t, server)
	p.columns("id", "c")
	const table = "SET sql_mode=''; CREATE TABLE t (id BIGINT PRIMARY KEY, number INT UNIQUE, c %s); INSERT INTO t (id, number, c) VALUES (-1, 1, %s)"
	p.source.Exec(t, fmt.Sprintf(table, c.source, c.sourceValue))
	p.destination.Exec(t, fmt.Sprintf(table, c.destination, c.destinationValue))
	return p
}

// foldsEqual folds both tables whole.
func foldsEqual(t *testing.T, pairing *mysql.Pairing) bool {
	t.Helper()
	source, err := pairing.Source().Fold(t.Context(), job.Point{}, job.Point{})
	require.NoError(t, err)
	destination, err := pairing.Destination().Fold(t.Context(), job.Point{}, job.Point{})
	require.NoError(t, err)
	require.Zero(t, source.Unhashed)
	equal := source.Equal(destination)
	require.Equal(t, equal, maps.Equal(marksOf(t, pairing.Source(), job.Point{}, job.Point{}), marksOf(t, pairing.Destination(), job.Point{}, job.Point{})))
	require.Equal(t, equal, maps.Equal(marksOf(t, pairing.Source(), job.KeyPoint("-10"), job.KeyPoint("10")), marksOf(t, pairing.Destination(), job.KeyPoint("-10"), job.KeyPoint("10"))))
	return equal
}

// lookupsEqual compares the source's only row by hash, as ranges are.
func lookupsEqual(t *testing.T, plan *mysql.Plan) bool {
	t.Helper()
	rows, _, more, err := plan.Source.PageHashes(t.Context(), job.Range{Scan: job.Insert}, 0, 10)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, rows, 1)
	found, err := plan.Destinations[0].LookupHashes(t.Context(), []diff.Key{rows[0].Key})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, rows[0].Key, found[0].Key)
	return !rows[0].Unhashed && !found[0].Unhashed && rows[0].Hash == found[0].Hash
}
