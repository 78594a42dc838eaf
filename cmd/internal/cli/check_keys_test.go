package cli

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// TestKeysThatAreHardToAskFor: what a key is made of changes no verdict.
func TestKeysThatAreHardToAskFor(t *testing.T) {
	t.Parallel()
	const invalid = "SET sql_mode = 'ALLOW_INVALID_DATES'; "
	server := mysqltest.Shared(t)
	for name, c := range map[string]struct {
		key, far            string   // the type of the key; that of the destination if it is another
		source, destination string   // rows of key and value
		want                []string // kinds in the order of the keys
	}{
		"small decimals":                   {"DECIMAL(65,38)", "", "(1e-38, 1), (1.5, 2), (3, 3)", "(1e-38, 9), (1.5, 8)", []string{"different", "different", "missing"}},
		"dates without a day":              {"DATE", "", "('2023-00-00', 1), ('2023-02-00', 2), ('0000-00-00', 3)", "('2023-00-00', 9), ('0000-00-00', 3)", []string{"different", "missing"}},
		"times of such dates":              {"DATETIME(6)", "", "('2023-00-00 01:02:03', 1), ('2023-11-22 00:00:00.5', 2)", "('2023-11-22 00:00:00.5', 2)", []string{"missing"}},
		"no such day":                      {"DATE", "", "('2023-02-31', 1), ('2023-02-28', 1)", "('2023-02-28', 1)", []string{"unexplained"}},
		"binary":                           {"VARBINARY(20)", "", "('abc', 1), ('x', 2), ('y', 3)", "('ABC', 1), ('x ', 2), ('y', 3)", []string{"extra", "missing", "missing", "extra"}},
		"bytes of no text":                 {"BINARY(2)", "", "(x'05BB', 1), (x'0601', 1), (x'05D2', 1)", "(x'05DC', 1), (x'0601', 1)", []string{"missing", "missing", "extra"}},
		"letters by their bits":            {"VARCHAR(20) COLLATE utf8mb4_bin", "", "('abc', 1), ('x', 2)", "('ABC', 1), ('x ', 2)", []string{"extra", "missing", "respelled"}},
		"letters by their bits, no pad":    {"VARCHAR(20) COLLATE utf8mb4_nopad_bin", "", "('abc', 1), ('x', 2)", "('ABC', 1), ('x ', 2)", []string{"extra", "missing", "missing", "extra"}},
		"letters, no pad":                  {"VARCHAR(20) COLLATE utf8mb4_general_nopad_ci", "", "('abc', 1), ('x', 2)", "('ABC', 1), ('x ', 2)", []string{"respelled", "missing", "extra"}},
		"the destination says what is one": {"VARCHAR(20) COLLATE utf8mb4_general_ci", "VARCHAR(20) COLLATE utf8mb4_bin", "('abc', 1)", "('ABC', 1)", []string{"extra", "missing"}},
		"letters":                          {"VARCHAR(20) COLLATE utf8mb4_general_ci", "", "('abc', 1), ('x', 2)", "('ABC', 1), ('x ', 2)", []string{"respelled", "respelled"}},
		"binary and varbinary":             {"BINARY(4)", "VARBINARY(4)", "('ab', 1), ('abcd', 1)", "('abcd', 1)", []string{"missing"}},
		"binary and varbinary, there":      {"BINARY(4)", "VARBINARY(4)", "('ab', 1), ('abcd', 1), ('x', 1)", "('ab', 2), ('abcd', 1), (x'7800', 1)", []string{"different"}},
		"binary and a wider one":           {"BINARY(4)", "BINARY(6)", "('ab', 1), ('abcd', 1)", "('abcd', 1)", []string{"missing"}},
		"varbinary and binary":             {"VARBINARY(4)", "BINARY(4)", "('ab', 1), ('abcd', 1), ('x', 1)", "('ab', 1), ('abcd', 2)", []string{"different", "missing"}},
		"more zeros than the copy":         {"VARBINARY(16)", "BINARY(3)", "(x'61000000', 1), ('b', 2)", "('b', 2)", []string{"missing"}},
		"more zeros, there":                {"VARBINARY(16)", "BINARY(3)", "(x'61000000', 1), ('b', 2)", "('b', 9), ('a', 1)", []string{"different"}},
		"wide zeros":                       {"VARBINARY(60)", "BINARY(60)", "(x'61000000', 1), ('b', 2), (x'6300', 3)", "('a', 1), ('b', 9), ('c', 3)", []string{"different"}},
		"wide zeros, the other way":        {"BINARY(60)", "VARBINARY(60)", "('a', 1), ('b', 2), ('c', 3), ('d', 4)", "(x'61000000', 8), ('b', 9), (x'6300', 3)", []string{"different", "different", "missing"}},
		"zeros before the number":          {"VARCHAR(10)", "INT", "('012', 1), ('044', 2), ('5', 3)", "(12, 1), (44, 9)", []string{"different", "missing"}},
		"a text of a number":               {"VARCHAR(10)", "INT", "('7', 1), ('44', 2), ('x', 3)", "(7, 1), (44, 9), (8, 1)", []string{"different", "extra", "missing"}},
		"letters in ascii":                 {"VARCHAR(9) CHARACTER SET ascii", "", "(x'C3A9', 8), ('a', 1)", "(x'C3A9', 9), ('a', 1)", []string{"different"}},
		"a number in a text":               {"INT", "VARCHAR(10)", "(7, 1)", "('7', 1), ('07', 1)", []string{"extra"}},
		"a number, respelled":              {"INT", "VARCHAR(10)", "(7, 1)", "('07', 1)", []string{"extra", "missing"}},
		"texts of one number":              {"VARCHAR(10)", "INT", "('7', 1), ('07', 1)", "(7, 1)", []string{"several"}},
		"a decimal in a text":              {"DECIMAL(10,2)", "VARCHAR(10)", "(7.5, 1)", "('7.50', 1), ('7.5', 1)", []string{"extra"}},
		"a time in a text":                 {"DATETIME", "VARCHAR(30)", "('2020-01-02', 1)", "('2020-01-02 00:00:00', 1), ('2020-01-02', 1)", []string{"extra"}},
		"one of each case":                 {"VARCHAR(9) COLLATE utf8mb4_bin", "VARCHAR(9) COLLATE utf8mb4_general_ci", "('a', 1), ('A', 2)", "('a', 1)", []string{"missing"}},
		"one of each, the other":           {"VARCHAR(9) COLLATE utf8mb4_bin", "VARCHAR(9) COLLATE utf8mb4_general_ci", "('a', 1), ('A', 2)", "('A', 2)", []string{"missing"}},
		"with and without a space":         {"VARCHAR(9) COLLATE utf8mb4_nopad_bin", "VARCHAR(9) COLLATE utf8mb4_general_ci", "('a', 1), ('a ', 2)", "('a', 1)", []string{"missing"}},
		"padded, no pad": {"CHAR(4) COLLATE utf8mb4_nopad_bin", "VARCHAR(6) COLLATE utf8mb4_nopad_bin",
			"('ab', 1), ('abcd', 1)", "('ab ', 1), ('ab', 1), ('abcd', 1)", []string{"several"}},
		"beyond ascii":             {"VARCHAR(9) CHARACTER SET ascii", "", "(x'E9', 1), (x'E8', 1), ('?', 1)", "(x'E9', 2), ('?', 1)", []string{"missing", "different"}},
		"beyond ascii, to bytes":   {"VARCHAR(9) CHARACTER SET ascii", "VARBINARY(9)", "(x'E9', 1), ('a', 1)", "(x'E9', 1), ('a', 2)", []string{"different"}},
		"beyond ascii, to Unicode": {"VARCHAR(9) CHARACTER SET ascii", "VARCHAR(9)", "(x'E9', 1), ('a', 1)", "('?', 1), ('a', 1)", []string{"extra", "missing"}},
		"beyond Unicode":           {"VARCHAR(9) CHARACTER SET cp1251", "", "(x'98', 1), ('a', 1)", "(x'98', 2), ('a', 1)", []string{"unexplained"}},
		"around 2^63": {"BIGINT UNSIGNED", "", "(1, 1), (9223372036854775807, 2), (9223372036854775808, 3), (18446744073709551615, 4)",
			"(1, 9), (9223372036854775807, 2), (9223372036854775808, 9)", []string{"different", "missing", "different"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, far := server.Database(t), server.Database(t)
			create := func(k string) string {
				return "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k " + k + " NOT NULL UNIQUE, v INT)"
			}
			source.Exec(t, create(c.key))
			far.Exec(t, create(cmp.Or(c.far, c.key)))
			source.Exec(t, invalid+"INSERT INTO t (k, v) VALUES "+c.source)
			far.Exec(t, invalid+"INSERT INTO t (k, v) VALUES "+c.destination)
			config := pairConfig(t, t.TempDir(), source, far, "k", "k, v")
			for _, checksum := range []string{"fast", "strong"} {
				code, out, console := call(t, "check", "-c", config, "--no-confirm", "--format", "json", "--checksum", checksum)
				require.Equal(t, 1, code, out+console)
				var reports []app.CheckReport
				require.NoError(t, json.Unmarshal([]byte(out), &reports))
				var kinds []string
				for _, k := range reports[0].Keys {
					kind, _, _ := strings.Cut(k.String(), ":")
					kinds = append(kinds, kind)
				}
				require.Equal(t, c.want, kinds, "%s: %s", reports[0].Strategy, out)
			}
		})
	}
}

// TestAFoldThatDiffersIsNeverPassedOver: the marks of two rows are the same where
// their CRC-32s differ by their highest bit; the folds of the rows are not.
func TestAFoldThatDiffersIsNeverPassedOver(t *testing.T) {
	t.Parallel()
	server := mysqltest.Shared(t)
	source, far := server.Database(t), server.Database(t)
	for db, value := range map[*mysqltest.Database]string{source: "x9v1h52y7", far: "uog1p8x2t"} {
		db.Exec(t, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) NOT NULL); INSERT INTO t VALUES (1, '"+value+"'), (2, 'same')")
	}
	code, out, console := call(t, "check", "-c", pairConfig(t, t.TempDir(), source, far, "id", "id, v"), "--no-confirm")
	require.Equal(t, 1, code, out+console)
	require.Contains(t, out, "different: v")
}
