//go:build bench

package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCheck measures the whole comparison, with the source's ids on both sides
// and related by a text column in another order.
func TestCheck(t *testing.T) {
	b := newTables(t)
	limit := b.bare(t, "db2.user", "id, number, name, avatar")
	limitKeyed := b.bare(t, "db3.user", "number, name, avatar")
	var figures []figure
	measure := func(what, destination, columns, by string, bare time.Duration, args ...string) {
		config := b.config(t, destination, columns, by)
		args = append([]string{"check", "-c", config, "--no-confirm", "--format", "json"}, args...)
		best, most := time.Duration(0), int64(0)
		for range 3 {
			code, took, rss, out := run(t, "cupid", args...)
			require.Equal(t, 1, code, "the tables differ")
			b.expect(t, out)
			if best == 0 || took < best {
				best = took
			}
			most = max(most, rss)
		}
		figures = append(figures, figure{what, seconds(best), seconds(bare), ratio(best, bare), megabytes(most)})
	}
	measure("`cupid check`, key aligned", "db2", "id: id, number: number, name: name, avatar: avatar", "number", limit)
	measure("`cupid check`, key aligned, `--checksum strong`", "db2", "id: id, number: number, name: name, avatar: avatar", "number", limit, "--checksum", "strong")
	measure("`cupid check`, related by a text column, other order", "db3", "number: number, name: name, avatar: avatar", "number", limitKeyed)
	report(t, b.rows, figures)
}

// expect proves that what was measured found every damaged row and no other.
func (b *tables) expect(t testing.TB, out string) {
	t.Helper()
	var results []struct{ Missing, Different, Extra int }
	require.NoError(t, json.Unmarshal([]byte(out), &results), out)
	require.Len(t, results, 1)
	require.Equal(t, b.damaged(), results[0].Missing+results[0].Different)
	require.Zero(t, results[0].Extra)
}

// config writes a job of one destination.
func (b *tables) config(t testing.TB, destination, columns, by string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bench.yaml")
	text := fmt.Sprintf(`
jobs:
  - name: bench
    source: {dsn: %q, table: user, byColumn: %s}
    destinations:
      - dsn: %q
        table: user
        byColumn: %s
        columns: {%s}
        callback: {url: "http://127.0.0.1:9/callback"}
`, b.server.DSN("db"), by, b.server.DSN(destination), by, columns)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
