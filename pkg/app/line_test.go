package app_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

const everyType = `CREATE TABLE shop (
	id BIGINT UNSIGNED PRIMARY KEY, number VARCHAR(40) NOT NULL UNIQUE, name VARCHAR(80) CHARACTER SET utf8mb4,
	price DECIMAL(12,4), score FLOAT, born DATETIME, changed TIMESTAMP NOT NULL DEFAULT '2026-03-01 10:00:00',
	photo BLOB, level TINYINT(3) UNSIGNED ZEROFILL)`

// first is a scan key that a signed number cannot hold.
const first = uint64(1<<63) + 1000

// TestMainLine brings 3,000 rows, of which two destinations lack some and hold
// others otherwise, to both, on a server whose clock is not in UTC.
func TestMainLine(t *testing.T) {
	t.Parallel()
	const rows = 3000
	server := mysqltest.Start(t, mysqltest.Options{TimeZone: "+08:00"})
	source, far, other := server.Database(t), server.Database(t), server.Database(t)
	w := bareWorld(t, source, far, redistest.Shared(t))
	source.Exec(t, everyType)
	far.Exec(t, everyType)
	other.Exec(t, "CREATE TABLE member (no VARCHAR(40) PRIMARY KEY, title VARCHAR(80), amount DECIMAL(12,4))")

	want := map[string]map[callbacktest.Key]int{"far": {}, "other": {}}
	var all, here, there []string
	for i := range rows {
		id := first + uint64(i)
		name, photo := fmt.Sprintf("'%s é😀 \\'%d\\''", planted, i), fmt.Sprintf("x'00ff%04x'", i)
		if i%5 == 0 {
			name, photo = "NULL", "NULL"
		}
		line := func(name string) string {
			return fmt.Sprintf("(%d,'%s-%d',%s,%d.2500,%d.1,'2026-11-22 0%d:00:00','2026-11-22 0%d:30:00',%s,%d)",
				id, planted, i, name, i, i%100, i%10, i%10, photo, i%200)
		}
		member := func(amount string) string { return fmt.Sprintf("('%s-%d',%s,%s)", planted, i, name, amount) }
		key := func(kind job.Type) callbacktest.Key { return callbacktest.Key{ID: fmt.Sprint(id), Type: int(kind)} }
		all = append(all, line(name))
		switch i % 10 {
		case 3:
			want["far"][key(job.Missing)] = 1
		case 7:
			want["far"][key(job.Different)] = 1
			here = append(here, line("'"+planted+" stale'"))
		default:
			here = append(here, line(name))
		}
		switch i % 15 {
		case 4:
			want["other"][key(job.Missing)] = 1
		case 8:
			want["other"][key(job.Different)] = 1
			there = append(there, member("0.5"))
		default:
			there = append(there, member(fmt.Sprintf("%d.25", i)))
		}
	}
	source.Exec(t, "INSERT INTO shop VALUES "+strings.Join(all, ","))
	far.Exec(t, "INSERT INTO shop VALUES "+strings.Join(here, ","))
	other.Exec(t, "INSERT INTO member VALUES "+strings.Join(there, ","))

	members := callbacktest.New(t, callbacktest.Repair(func(b callbacktest.Body) error {
		_, err := other.DB.Exec("REPLACE INTO member VALUES (?,?,?)", b.SrcColumn["number"], b.SrcColumn["name"], b.SrcColumn["price"])
		return err
	}))
	w.receiver.Behave(callbacktest.Repair(func(b callbacktest.Body) error {
		c := b.SrcColumn
		_, err := far.DB.Exec("REPLACE INTO shop VALUES (?,?,?,?,?,?,?,FROM_BASE64(?),?)",
			c["id"], c["number"], c["name"], c["price"], c["score"], c["born"], c["changed"], c["photo"], c["level"])
		return err
	}))
	w.job.StartID, w.job.RangeRows = "1", 700
	var columns []job.ColumnPair
	for _, c := range []string{"number", "name", "price", "score", "born", "changed", "photo", "level"} {
		columns = append(columns, job.ColumnPair{Source: c, Destination: c})
	}
	w.job.Destinations[0].Columns = columns
	second := w.job.Destinations[0]
	second.Name, second.DSN, second.Table, second.ByColumns = "other", job.NewSecret(other.DSN), "member", []string{"no"}
	second.Columns = []job.ColumnPair{{Source: "number", Destination: "no"}, {Source: "name", Destination: "title"}, {Source: "price", Destination: "amount"}}
	second.Callback.URL = members.URL
	w.job.Destinations = append(w.job.Destinations, second)

	w.run(app.Scheduler)
	w.run(app.Worker)
	w.run(app.Worker)
	w.done(rows)

	require.Equal(t, want["far"], w.receiver.Counts("id"))
	require.Equal(t, want["other"], members.Counts("id"))
	rowOf := bodies(rowsOf(t, source, "SELECT id, number, name, price, score, born, changed, photo, CONCAT(level) level FROM shop"))
	for _, request := range append(w.receiver.Received(), members.Received()...) {
		require.Equal(t, rowOf[request.Body.Value("id")], request.Body.SrcColumn)
	}
	require.Equal(t, rowsOf(t, source, "SELECT * FROM shop ORDER BY id"), rowsOf(t, far, "SELECT * FROM shop ORDER BY id"))
	require.Equal(t, rowsOf(t, source, "SELECT number, name, price FROM shop ORDER BY id"),
		rowsOf(t, other, "SELECT no number, title name, amount price FROM member ORDER BY CAST(SUBSTR(no, 14) AS SIGNED)"))
	require.EqualValues(t, rows, w.stat("rows"), "no row was compared twice")
}

// bodies are the rows as callbacks show them, by id.
func bodies(rows []map[string]*string) map[string]map[string]*string {
	byID := map[string]map[string]*string{}
	for _, row := range rows {
		if photo := row["photo"]; photo != nil {
			text := base64.StdEncoding.EncodeToString([]byte(*photo))
			row["photo"] = &text
		}
		byID[*row["id"]] = row
	}
	return byID
}

func TestUpdatesAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, upTo(50)...)
	w.insert(w.far, upTo(50)...)
	w.job.Update = job.UpdateScan{Enabled: true, Every: w.job.Insert.Every, Column: "updated", Window: w.job.ConfirmDelay}
	w.job.Insert.Enabled = false
	w.receiver.Behave(w.repairing())
	w.run(app.Scheduler)
	w.run(app.Worker)
	cursor := func() bool { return w.server.Client.Exists(t.Context(), w.key("cursor")).Val() == 1 }
	w.until(cursor, "the update scan has begun")
	w.source.Exec(t, "UPDATE shop SET name = CONCAT(name, ' new') WHERE id IN (7, 8)")
	w.until(func() bool { return w.stat("closed_equal") == 2 }, "both rows closed")
	require.Equal(t, map[callbacktest.Key]int{{ID: "7", Type: 2}: 1, {ID: "8", Type: 2}: 1}, w.receiver.Counts("id"))
	w.equal()
}

// TestSeveralByColumns: rows belong together when all of their byColumns are equal.
func TestSeveralByColumns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, upTo(60)...)
	w.insert(w.far, upTo(60)...)
	w.far.Exec(t, "DELETE FROM shop WHERE id = 7; UPDATE shop SET name = 'other' WHERE id = 8; UPDATE shop SET id = 1009 WHERE id = 9")
	w.job.Source.ByColumns, w.job.Destinations[0].ByColumns = []string{"number", "id"}, []string{"number", "id"}
	w.receiver.Behave(w.repairing())
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.done(60)
	require.Equal(t, map[callbacktest.Key]int{{ID: "7", Type: 1}: 1, {ID: "8", Type: 2}: 1, {ID: "9", Type: 1}: 1}, w.receiver.Counts("id"))
}

// TestOptionsOfAColumnHoldOverTheWholeLine: what they overlook calls nobody.
func TestOptionsOfAColumnHoldOverTheWholeLine(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]job.ColumnOptions{"hashed": {Trim: true, IgnoreCase: true}, "ignored": {Ignore: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.insert(w.source, upTo(60)...)
			w.insert(w.far, upTo(60)...)
			w.far.Exec(t, "DELETE FROM shop WHERE id = 7; UPDATE shop SET name = UPPER(name) WHERE id = 8; UPDATE shop SET name = CONCAT(' ', name, ' ') WHERE id = 9")
			columns := w.job.Destinations[0].Columns
			for i := range columns {
				if columns[i].Source == "name" {
					columns[i].Options = o
				}
			}
			w.receiver.Behave(w.repairing())
			w.run(app.Scheduler)
			w.run(app.Worker)
			w.done(60)
			require.Equal(t, map[callbacktest.Key]int{{ID: "7", Type: 1}: 1}, w.receiver.Counts("id"))
			require.Zero(t, w.stat("unexplained"))
		})
	}
}

// TestRowsWithoutAKeyAreCounted: NULL relates to nothing, so such a row is missing
// whatever the destination holds.
func TestRowsWithoutAKeyAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.Exec(t, "ALTER TABLE shop MODIFY number VARCHAR(40) NULL")
	w.insert(w.source, upTo(60)...)
	w.insert(w.far, upTo(60)...)
	w.source.Exec(t, "UPDATE shop SET number = NULL WHERE id IN (7, 8)")
	w.receiver.Behave(w.repairing())
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.until(func() bool { return w.stat("rows") >= 60 && w.stat("null_keys") == 2 }, "two rows without a key")
	w.until(func() bool { return w.receiver.Counts("id")[callbacktest.Key{ID: "8", Type: 1}] > 0 }, "they are called back as missing")
}
