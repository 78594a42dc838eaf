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
