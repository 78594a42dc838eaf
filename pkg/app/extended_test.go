package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// TestExtendedBody shows both sides of a row, every type as a plain client sees
// it, over the whole line.
func TestExtendedBody(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{TimeZone: "+08:00"})
	w := bareWorld(t, server.Database(t), server.Database(t), redistest.Shared(t))
	w.source.Exec(t, everyType+`; INSERT INTO shop VALUES (1, 'n1', 'ann', 1.5, 0.25, '2026-11-22 10:00:00', '2026-11-22 12:00:00', x'00ff', 7);
		INSERT INTO shop (id, number) VALUES (2, 'n2')`)
	w.far.Exec(t, `CREATE TABLE shop (no VARCHAR(40) PRIMARY KEY, nick VARCHAR(80), amount DECIMAL(12,2), score FLOAT, birth DATETIME, changed TIMESTAMP NULL, picture BLOB);
		INSERT INTO shop VALUES ('n1', 'bob', 1.5, 0.25, '2026-11-22 10:00:00', '2026-11-22 12:00:00', x'01')`)
	d := &w.job.Destinations[0]
	d.ByColumns, d.Columns = []string{"no"}, nil
	for source, far := range map[string]string{"number": "no", "name": "nick", "price": "amount", "score": "score", "born": "birth", "changed": "changed", "photo": "picture"} {
		d.Columns = append(d.Columns, job.ColumnPair{Source: source, Destination: far})
	}
	var mu sync.Mutex
	bodies := map[string]map[string]any{}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body map[string]any
		var row struct{ Key struct{ Number string } }
		text, _ := io.ReadAll(r.Body)
		if json.Unmarshal(text, &body) == nil && json.Unmarshal(text, &row) == nil {
			mu.Lock()
			defer mu.Unlock()
			bodies[row.Key.Number] = body
		}
	}))
	t.Cleanup(receiver.Close)
	w.callback().URL, w.callback().Body, w.callback().DestinationRow = receiver.URL, job.BodyExtended, true
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.until(func() bool { mu.Lock(); defer mu.Unlock(); return len(bodies) == 2 }, "both rows are called back")
	mu.Lock()
	defer mu.Unlock()
	require.ElementsMatch(t, []any{"name", "photo"}, bodies["n1"]["columns"])
	require.Equal(t, map[string]any{
		"id": "1", "number": "n1", "name": "ann", "price": "1.5000", "score": "0.25", "born": "2026-11-22 10:00:00", "changed": "2026-11-22 12:00:00", "photo": "AP8=", "level": "007",
	}, bodies["n1"]["srcColumn"])
	require.Equal(t, map[string]any{
		"no": "n1", "nick": "bob", "amount": "1.50", "score": "0.25", "birth": "2026-11-22 10:00:00", "changed": "2026-11-22 12:00:00", "picture": "AQ==",
	}, bodies["n1"]["desColumn"])
	require.Equal(t, []any{2.0, "shop", "far"}, []any{bodies["n1"]["type"], bodies["n1"]["job"], bodies["n1"]["destination"]})
	require.EqualValues(t, 1, bodies["n2"]["type"])
	require.NotContains(t, bodies["n2"], "desColumn")
	require.NotContains(t, bodies["n2"], "columns")
}
