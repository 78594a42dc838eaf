package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// TestAFilteredCopyRaisesNoCalls has a pipeline that carries the rows that are
// not deleted into a table that also holds rows of others.
func TestAFilteredCopyRaisesNoCalls(t *testing.T) {
	t.Parallel()
	for name, columns := range map[string][]job.ColumnPair{
		"keyed lookup":   {{Source: "number", Destination: "number"}, {Source: "name", Destination: "name"}},
		"range checksum": {{Source: "id", Destination: "id"}, {Source: "number", Destination: "number"}, {Source: "name", Destination: "name"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.source.Exec(t, "ALTER TABLE shop ADD deleted INT NOT NULL DEFAULT 0")
			w.far.Exec(t, "ALTER TABLE shop ADD tenant INT NOT NULL DEFAULT 7")
			w.job.Source.Where = "deleted = 0 -- the rest is not copied"
			w.job.Destinations[0].Where, w.job.Destinations[0].Columns = "tenant = 7 OR tenant = 8", columns
			w.job.RangeRows = 50
			w.insert(w.source, upTo(300)...)
			w.insert(w.far, upTo(300)...)
			w.source.Exec(t, "UPDATE shop SET deleted = 1 WHERE id % 3 = 0")
			w.far.Exec(t, "DELETE FROM shop WHERE id % 3 = 0")
			w.far.Exec(t, "UPDATE shop SET tenant = 9 WHERE id = 100") // as if it were not there
			w.receiver.Behave(w.repairing())
			w.fleet()
			w.until(func() bool { return w.stat("rows") >= 200 }, "the rows that are not deleted are compared")
			w.until(func() bool { return w.receiver.Count() >= 1 }, "the one that is missing is called")
			require.Equal(t, "100", w.receiver.Received()[0].Body.Value("id"))

			w.insert(w.source, 301) // which the pipeline loses
			w.until(func() bool { return w.item(301)["phase"] != "" || w.receiver.Count() >= 2 }, "it is found")
			w.source.Exec(t, "UPDATE shop SET deleted = 1")
			w.until(func() bool { return len(w.work()) == 0 }, "rows that meet the condition no more are gone")
			require.LessOrEqual(t, w.receiver.Count(), 2)
		})
	}
}
