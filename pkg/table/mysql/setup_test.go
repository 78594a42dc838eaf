package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// pair is a source and a destination database of one test, with a job that
// compares table t of both by number.
type pair struct {
	source, destination *mysqltest.Database
	job                 job.Job
}

func newPair(t testing.TB, server *mysqltest.Server) *pair {
	t.Helper()
	p := &pair{source: server.Database(t), destination: server.Database(t)}
	p.job = job.Job{
		Name:   "test",
		Source: job.Source{DSN: job.NewSecret(p.source.DSN), Shard: job.Shard{Database: p.source.Name, Table: "t"}, ByColumns: []string{"number"}},
		Destinations: []job.Destination{{
			Name: "far", DSN: job.NewSecret(p.destination.DSN), Table: "t", ByColumns: []string{"number"},
			Columns: []job.ColumnPair{{Source: "number", Destination: "number"}},
		}},
	}
	return p
}

// columns compares more columns, of the same name on both sides.
func (p *pair) columns(names ...string) {
	for _, name := range names {
		p.job.Destinations[0].Columns = append(p.job.Destinations[0].Columns, job.ColumnPair{Source: name, Destination: name})
	}
}

func open(t testing.TB, dsn string) *mysql.Database {
	t.Helper()
	d, err := mysql.Open(job.NewSecret(dsn), mysql.Options{MaxOpen: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func (p *pair) inspect(t testing.TB) (*mysql.Plan, error) {
	t.Helper()
	return mysql.Inspect(t.Context(), p.job, open(t, p.job.Source.DSN.Reveal()),
		[]*mysql.Database{open(t, p.job.Destinations[0].DSN.Reveal())})
}

func (p *pair) plan(t testing.TB) *mysql.Plan {
	t.Helper()
	plan, err := p.inspect(t)
	require.NoError(t, err)
	return plan
}

// problems are those of an inspection that must fail.
func (p *pair) problems(t testing.TB) []table.Problem {
	t.Helper()
	_, err := p.inspect(t)
	var mistake *table.ConfigError
	require.ErrorAs(t, err, &mistake)
	return mistake.Problems
}

// pages reads a range in pages and returns the keys in their order.
func pages(t testing.TB, source *mysql.Source, r job.Range, limit int) []string {
	t.Helper()
	var keys []string
	for {
		rows, next, more, err := source.Page(t.Context(), r, limit)
		require.NoError(t, err)
		for _, row := range rows {
			keys = append(keys, row.Key)
		}
		if !more {
			return keys
		}
		require.NotEqual(t, r.After, next, "the page does not end behind its beginning")
		// A range is known by its id alone; what another worker reads must be the same.
		r.After = next
		r, err = job.ParseRange(r.ID())
		require.NoError(t, err)
	}
}

// compare reads all rows of the source and their partners, and judges them.
func compare(t testing.TB, plan *mysql.Plan) []diff.Outcome {
	t.Helper()
	rows, _, more, err := plan.Source.Page(t.Context(), job.Range{Scan: job.Insert}, 10_000)
	require.NoError(t, err)
	require.False(t, more)
	destination := plan.Destinations[0]
	relation := destination.Relation()
	var keys []diff.Key
	for _, row := range rows {
		if key, ok := relation.SourceKey(row); ok {
			keys = append(keys, key)
		}
	}
	found, err := destination.Lookup(t.Context(), keys)
	require.NoError(t, err)
	return relation.Compare(rows, found)
}

// texts shows values, with NULL as "NULL".
func texts(values []diff.Value) []string {
	shown := make([]string, len(values))
	for i, v := range values {
		shown[i] = "NULL"
		if v != nil {
			shown[i] = string(v)
		}
	}
	return shown
}

func checksum(strong bool) job.Checksum {
	if strong {
		return job.ChecksumStrong
	}
	return job.ChecksumFast
}

// lines are problems as a log shows them.
func lines(problems []table.Problem) string {
	return (&table.ConfigError{Problems: problems}).Error()
}
