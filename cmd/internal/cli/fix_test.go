package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
)

// mends has check write the statements for table t of two databases, executes
// them, and wants both sides to show the same rows to the query. It gives the
// statements.
func mends(t *testing.T, source, destination, byColumn, columns, shown string) string {
	t.Helper()
	server := mysqltest.Shared(t)
	from, to := server.Database(t), server.Database(t)
	from.Exec(t, source)
	to.Exec(t, destination)
	dir := t.TempDir()
	config, fix := pairConfig(t, dir, from, to, byColumn, columns), filepath.Join(dir, "fix.sql")
	code, out, console := call(t, "check", "-c", config, "--fix-sql", fix)
	require.Equal(t, 1, code, out+console)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 2, "no file stays behind")

	text, err := os.ReadFile(fix)
	require.NoError(t, err)
	to.Exec(t, string(text))
	require.Equal(t, listed(t, from, shown), listed(t, to, shown), string(text))
	code, out, console = call(t, "check", "-c", config)
	require.Equal(t, 0, code, out+console+string(text))
	return string(text)
}

// pairConfig writes a config that compares table t of two databases, scanned by id.
func pairConfig(t *testing.T, dir string, from, to *mysqltest.Database, byColumn, columns string) string {
	t.Helper()
	path := filepath.Join(dir, "cupid.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
jobs:
  - name: pair
    confirmDelay: 10ms
    source: {dsn: "`+from.DSN+`", table: t, scanKey: id, byColumn: `+byColumn+`}
    destinations:
      - {name: far, dsn: "`+to.DSN+`", table: t, columns: [`+columns+`], callback: {off: true}}
`), 0o600))
	return path
}

// listed is the rows of a query for one text each.
func listed(t *testing.T, db *mysqltest.Database, query string) []string {
	t.Helper()
	rows, err := db.DB.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var row string
		require.NoError(t, rows.Scan(&row))
		all = append(all, row)
	}
	require.NoError(t, rows.Err())
	return all
}

// A collation holds more keys for equal than the finding is about.
func TestTheFixTouchesNoRowOfAnotherSpelling(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, destination, more string }{
		"utf8mb4":            {"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ", ('x ', 1)"},
		"latin1":             {"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_general_ci", ", ('x ', 1)"},
		"ucs2":               {"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "VARCHAR(20) CHARACTER SET ucs2 COLLATE ucs2_general_ci", ", ('x ', 1)"},
		"bytes of one set":   {"VARCHAR(20) CHARACTER SET latin2 COLLATE latin2_bin", "VARCHAR(20) CHARACTER SET latin2 COLLATE latin2_general_ci", ", ('x ', 1)"},
		"a source of padded": {"CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ""},
		"a copy of padded":   {"VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := mends(t, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k "+c.source+` UNIQUE, v INT);
				INSERT t (k, v) VALUES ('é', 1), ('abc', 1), ('x', 1), ('q', 1), ('Q', 2), ('r', 1), ('it''s \\', 1), ('late', 1), ('ß', 1)`,
				"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k "+c.destination+`, v INT, KEY (k));
				INSERT t (k, v) VALUES ('é', 1), ('e', 1), ('abc', 1), ('ABC', 1), ('x', 1), ('y ', 1), ('q', 1), ('Q', 3), ('R', 2), ('it''s \\', 2), ('IT''S \\', 1), ('late ', 2), ('ß', 2), ('s', 1)`+c.more,
				"k", "k, v", "SELECT CONCAT(CONVERT(k USING utf8mb4), ' ', v) FROM t WHERE k <> 'late' ORDER BY HEX(CONVERT(k USING utf8mb4))")
			require.Contains(t, text, "-- respelled: k, v")
		})
	}
}

// What is deleted or changed gives its unique values away before others take them.
func TestTheFixFreesUniqueValuesFirst(t *testing.T) {
	t.Parallel()
	mends(t, `CREATE TABLE t (id INT PRIMARY KEY, k INT UNIQUE, mail VARCHAR(20));
		INSERT t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd')`,
		`CREATE TABLE t (k INT PRIMARY KEY, mail VARCHAR(20), UNIQUE (mail));
		INSERT t VALUES (1, 'x'), (3, 'b'), (4, 'd'), (5, 'a'), (6, 'c')`,
		"k", "k, mail", "SELECT CONCAT(k, ' ', mail) FROM t ORDER BY k")
}

func TestTheFixWritesNoGeneratedColumn(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"STORED", "VIRTUAL"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			mends(t, `CREATE TABLE t (id INT PRIMARY KEY, title VARCHAR(20), title_len INT, at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP);
				INSERT t VALUES (1, 'one', 3, '2024-01-01'), (2, 'three', 5, '2024-01-01'), (3, 'seven', 5, '2024-01-01')`,
				`CREATE TABLE t (id INT PRIMARY KEY, title VARCHAR(20), title_len INT GENERATED ALWAYS AS (CHAR_LENGTH(title)) `+form+`, at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
				INSERT t (id, title, at) VALUES (1, 'one', '2024-01-01'), (2, 'two', '2023-01-01')`,
				"id", "id, title, title_len, at", "SELECT CONCAT_WS(' ', id, title, title_len, at) FROM t ORDER BY id")
		})
	}
}

// What differs in nothing that can be written is left to a person.
func TestTheFixLeavesWhatOnlyTheServerWrites(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	b.fill(t, true)
	b.destination.Exec(t, "ALTER TABLE user DROP COLUMN ratio; ALTER TABLE user ADD ratio FLOAT GENERATED ALWAYS AS (id / 7) STORED")
	b.source.Exec(t, "DELETE FROM user WHERE id > 3; UPDATE user SET ratio = 0.5 WHERE id = 3")
	b.destination.Exec(t, "DELETE FROM user WHERE id > 3")
	fix := filepath.Join(t.TempDir(), "fix.sql")
	code, out, console := call(t, "check", "-c", b.config, "--fix-sql", fix)
	require.Equal(t, 1, code, out+console)
	text, err := os.ReadFile(fix)
	require.NoError(t, err)
	require.Contains(t, string(text), ", different: ratio: to be looked at by a person")
	require.NotContains(t, string(text), "UPDATE")
}

// Each update of a row may give a column the time of the day.
func TestTheFixKeepsTheTimeOfARow(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP); INSERT INTO t VALUES "
	fix := mends(t, table+"(1, 'a', '2020-01-01'), (2, 'b', '2020-01-02')", table+"(1, 'x', '2020-01-01'), (2, 'b', '2020-01-03')", "id", "id, name, ts",
		"SELECT CONCAT_WS(' ', id, name, ts) FROM t ORDER BY id")
	require.Contains(t, fix, "`ts` = '2020-01-01 00:00:00' WHERE `id` = 1")
}

// A text of another character set has other bytes.
func TestTheFixWritesLettersNotBytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2]string{
		"ascii":  {"VARCHAR(9) CHARACTER SET ascii", "VARCHAR(9) CHARACTER SET utf16"},
		"char":   {"CHAR(9) CHARACTER SET ascii", "VARCHAR(9) CHARACTER SET ucs2"},
		"bytes":  {"VARBINARY(9)", "VARCHAR(9) CHARACTER SET utf16"},
		"legacy": {"VARCHAR(9) CHARACTER SET greek", "VARCHAR(9) CHARACTER SET greek"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mends(t, "CREATE TABLE t (id INT PRIMARY KEY, v "+c[0]+"); INSERT INTO t VALUES (1, 'ab'), (2, 'abcd'), (3, 'abc')",
				"CREATE TABLE t (id INT PRIMARY KEY, v "+c[1]+"); INSERT INTO t VALUES (1, 'x'), (2, 'abcd')", "id", "id, v",
				"SELECT CONCAT_WS(' ', id, CONVERT(v USING utf8mb4)) FROM t ORDER BY id")
		})
	}
}

// A client that reads statements from a file changes line ends, and stops at NUL.
func TestTheFixKeepsAKeyWithinItsLine(t *testing.T) {
	t.Parallel()
	fix := mends(t, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k VARCHAR(10) UNIQUE, v INT); INSERT INTO t (k, v) VALUES ('a\\r\\nb', 1), ('a\\0b', 1)",
		"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k VARCHAR(10) UNIQUE, v INT); INSERT INTO t (k, v) VALUES ('a\\r\\nb', 7), ('a\\0b', 7), ('x\\r\\n', 1)", "k", "k, v",
		"SELECT CONCAT_WS(' ', HEX(k), v) FROM t ORDER BY k")
	require.NotContains(t, fix, "\r")
	require.NotContains(t, fix, "\x00")
}

// What the destination holds shorter, or as a text, is written so.
func TestTheFixWritesKeysThatFit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ source, destination, rows, shown string }{
		"narrower":          {"BINARY(40)", "VARBINARY(3)", "(x'27', 1), ('ab', 2)", "SELECT CONCAT_WS(' ', HEX(TRIM(TRAILING x'00' FROM k)), v) FROM t ORDER BY k"},
		"a number's text":   {"DECIMAL(8,3) UNSIGNED ZEROFILL", "VARCHAR(30)", "(8.2, 1), (7, 2)", "SELECT CONCAT_WS(' ', k, v) FROM t ORDER BY v"},
		"bytes as ascii":    {"VARBINARY(9)", "VARCHAR(9) CHARACTER SET ascii", "(x'E9', 1), ('a', 2)", "SELECT CONCAT_WS(' ', HEX(k), v) FROM t ORDER BY v"},
		"composite, zeroes": {"BINARY(6)", "VARBINARY(6)", "('a', 1), ('b', 2)", "SELECT CONCAT_WS(' ', HEX(TRIM(TRAILING x'00' FROM k)), v) FROM t ORDER BY v"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			by := "k"
			if strings.HasPrefix(name, "composite") {
				by = "[v, k]"
			}
			const table = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k %s, v INT, UNIQUE (v, k), UNIQUE (k))"
			mends(t, fmt.Sprintf(table, c.source)+"; INSERT INTO t (k, v) VALUES "+c.rows, fmt.Sprintf(table, c.destination), by, "k, v", c.shown)
		})
	}
}

func TestTextsAndBinariesDoNotRelate(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	source, far := server.Database(t), server.Database(t)
	source.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, k VARCHAR(20) UNIQUE)")
	far.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, k BINARY(20) UNIQUE)")
	code, out, console := call(t, "check", "-c", pairConfig(t, t.TempDir(), source, far, "k", "k"))
	require.Equal(t, 2, code, out+console)
	require.Contains(t, out, "byColumn `k` of type binary(20) cannot find rows by `k` of type varchar(20)")
}
