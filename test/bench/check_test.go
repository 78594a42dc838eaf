//go:build bench

package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCheck measures the whole comparison, with the source's ids on both sides
// and related by a text column in another order.
func TestCheck(t *testing.T) {
	b := newTables(t)
	aligned, keyed := []string{"db2", "id: id, number: number, name: name, avatar: avatar", "id, number, name, avatar"},
		[]string{"db3", "number: number, name: name, avatar: avatar", "number, name, avatar"}
	var figures []figure
	for _, m := range []struct {
		what string
		copy []string // of the tables: database, columns of the config, columns of the bare queries
		args []string
	}{
		{"`cupid check`, key aligned", aligned, nil},
		{"`cupid check`, key aligned, `--checksum strong`", aligned, []string{"--checksum", "strong"}},
		{"`cupid check`, related by a text column, other order", keyed, nil},
	} {
		config := b.config(t, m.copy[0], m.copy[1], "number")
		var pairs []pair
		most := int64(0)
		for range pairsOfOne {
			p := pair{limit: b.bareOnce(t, m.copy[0]+".user", m.copy[2])}
			code, took, rss, out := run(t, "cupid", append([]string{"check", "-c", config, "--no-confirm", "--format", "json"}, m.args...)...)
			require.Equal(t, 1, code, "the tables differ")
			b.expect(t, out)
			p.took, most = took, max(most, rss)
			pairs = append(pairs, p)
		}
		slices.SortFunc(pairs, func(p, q pair) int { return cmp.Compare(p.ratio(), q.ratio()) })
		middle := pairs[len(pairs)/2]
		figures = append(figures, figure{m.what, seconds(middle.took), seconds(middle.limit),
			fmt.Sprintf("%.2f × (%.2f to %.2f)", middle.ratio(), pairs[0].ratio(), pairs[len(pairs)-1].ratio()), megabytes(most)})
	}
	report(t, b.rows, figures)
}

// pair are a comparison and the bare queries right before it: a machine's speed
// may be another a minute later.
type pair struct{ took, limit time.Duration }

const pairsOfOne = 7

func (p pair) ratio() float64 { return p.took.Seconds() / p.limit.Seconds() }

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
