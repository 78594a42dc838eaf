package mysql_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

var update = flag.Bool("update", false, "write the golden files")

// TestStatements holds every statement that a server is sent, as its own log has
// it, against testdata/statements.sql: a reader sees there what cupid asks, and a
// change of it is seen in review.
func TestStatements(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{ExtraArgs: []string{"--general-log=1", "--log-output=TABLE"}})
	p := newPair(t, server)
	p.source.Exec(t, `CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, number VARCHAR(32) NOT NULL, name VARCHAR(64), price DECIMAL(10,2), changed DATETIME(3) NOT NULL,
		UNIQUE KEY number (number), KEY changed (changed));
		INSERT INTO t VALUES (1, 'a', 'ann', 1.5, NOW(3)), (3, 'c', 'cid', 2, NOW(3)); INSERT INTO t (id, number, changed) VALUES (2, 'b', NOW(3))`)
	p.destination.Exec(t, `CREATE TABLE t (uid INT PRIMARY KEY, number VARCHAR(32) NOT NULL, name VARCHAR(64) CHARACTER SET latin1, price DECIMAL(12,4), UNIQUE KEY number (number));
		INSERT INTO t VALUES (10, 'a', 'ann', 1.5), (20, 'c', 'cid', 2)`)
	p.columns("name", "price")
	p.job.Source.Where = "price IS NULL OR price >= 0"
	p.job.Update = job.UpdateScan{Enabled: true, Column: "changed"}

	log := statementLog{t: t, p: p, seen: map[string]bool{}}
	var plan *mysql.Plan
	log.section("look at the tables", func() error {
		var err error
		plan, err = p.inspect(t)
		return err
	})
	source, destination := plan.Source, plan.Destinations[0]
	insert := job.Range{Scan: job.Insert, After: job.KeyPoint("0"), UpTo: job.KeyPoint("3")}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	changed := job.Range{Scan: job.Update, After: job.Point{At: at}, UpTo: job.Point{At: at.Add(time.Second)}}
	pairing := plan.Pairing(0, mysql.PairingOptions{})
	ctx := t.Context()
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"the clock", func() error { _, _, err := source.Clock(ctx); return err }},
		{"the end of the scan key", func() error { _, _, _, err := source.Bounds(ctx, job.KeyPoint("2")); return err }},
		{"whether the end of the scan key is still there", func() error { _, err := source.Still(ctx, job.KeyPoint("2")); return err }},
		{"whether nothing was updated", func() error { _, err := source.Quiet(ctx, changed.After, changed.UpTo); return err }},
		{"the newest update", func() error { _, _, err := source.UpdateTop(ctx); return err }},
		{"a step of so many rows", func() error {
			_, _, err := source.Step(ctx, job.Insert, job.KeyPoint("0"), job.Point{}, 1000)
			return err
		}},
		{"a page of new rows", func() error { _, _, _, err := source.Page(ctx, insert, 999); return err }},
		{"a page of changed rows", func() error { _, _, _, err := source.Page(ctx, changed, 999); return err }},
		{"a page of hashes", func() error { _, _, _, err := source.PageHashes(ctx, insert, 0, 999); return err }},
		{"rows by scan key, with bodies", func() error { _, err := source.Lookup(ctx, []string{"1", "2"}, true); return err }},
		{"hashes by scan key", func() error { _, err := source.LookupHashes(ctx, 0, []string{"1", "2"}); return err }},
		{"copies", func() error { _, err := destination.Lookup(ctx, []diff.Key{"a", "it's"}); return err }},
		{"hashes of copies", func() error { _, err := destination.LookupHashes(ctx, []diff.Key{"a", "b"}); return err }},
		{"check: marks by a hash of the key", func() error {
			_, err := pairing.Source().KeyMarks(ctx, nil, job.KeyPoint("0"), job.KeyPoint("3"))
			return err
		}},
		{"check: marks by a hash of the key, the destination's", func() error {
			_, err := pairing.Destination().KeyMarks(ctx, nil, job.KeyPoint("0"), job.KeyPoint("30"))
			return err
		}},
		{"check: a fold", func() error { _, err := pairing.Source().Fold(ctx, job.KeyPoint("0"), job.KeyPoint("3")); return err }},
		{"check: what passes a sieve", func() error {
			return pairing.Destination().ListKeyed(ctx, job.KeyPoint("0"), job.KeyPoint("30"), diff.Sieve{Lower: []uint16{7, 8}, Upper: []uint16{9}}, func(diff.Hashed) {})
		}},
		{"a look whether all is well", func() error { return source.Probe(ctx) }},
	} {
		log.section(step.what, step.do)
	}
	golden := filepath.Join("testdata", "statements.sql")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(log.text.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), log.text.String(), "go test ./pkg/table/mysql -run TestStatements -update writes it anew")
}

// statementLog reads what cupid's sessions were sent.
type statementLog struct {
	t    *testing.T
	p    *pair
	seen map[string]bool // how a session begins is written once
	text strings.Builder
}

func (l *statementLog) section(what string, do func() error) {
	l.t.Helper()
	l.p.source.Exec(l.t, "TRUNCATE mysql.general_log")
	require.NoError(l.t, do(), what)
	l.text.WriteString("-- " + what + "\n")
	rows, err := l.p.source.DB.QueryContext(l.t.Context(), "SELECT argument FROM mysql.general_log WHERE command_type = 'Query'")
	require.NoError(l.t, err)
	defer rows.Close()
	for rows.Next() {
		var statement string
		require.NoError(l.t, rows.Scan(&statement))
		statement = l.normal(statement)
		begins := strings.HasPrefix(statement, "SET ") || strings.Contains(statement, "CONNECTION_ID()")
		if strings.Contains(statement, "general_log") || begins && l.seen[statement] {
			continue
		}
		l.seen[statement] = begins
		l.text.WriteString(statement + ";\n")
	}
	require.NoError(l.t, rows.Err())
	l.text.WriteString("\n")
}

var moments = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+`)

// normal leaves out what is another in each run.
func (l *statementLog) normal(statement string) string {
	statement = strings.NewReplacer(l.p.source.Name, "db", l.p.destination.Name, "db2").Replace(statement)
	return moments.ReplaceAllString(statement, "…")
}
