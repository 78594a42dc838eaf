package app_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/job"
)

// scanned waits until the insert cursor is there.
func (w *world) scanned(cursor string) {
	w.t.Helper()
	field := "insert:" + w.job.Source.Shard.String()
	w.until(func() bool {
		return w.server.Client.HGet(w.t.Context(), w.key("cursor"), field).Val() == cursor
	}, "the cursor is at "+cursor)
}

// settled waits until nothing is open and both sides are equal.
func (w *world) settled() {
	w.t.Helper()
	w.until(func() bool {
		return len(w.work()) == 0 && w.differences() == 0
	}, "all is closed and equal")
	w.equal()
}

func (w *world) differences() (n int) {
	err := w.source.DB.QueryRowContext(w.t.Context(), fmt.Sprintf(`SELECT COUNT(*) FROM %[1]s.shop s LEFT JOIN %[2]s.shop d USING (id)
		WHERE NOT (d.number <=> s.number AND d.name <=> s.name)`, w.source.Name, w.far.Name)).Scan(&n)
	require.NoError(w.t, err)
	return n
}

func TestIDsThatBeginAgainAfterATruncateAreSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(300)...)
	w.fleet()
	w.scanned("300")
	w.settled()
	w.source.Exec(t, "TRUNCATE shop")
	w.far.Exec(t, "TRUNCATE shop")
	w.scanned("") // open: an empty table has no greatest key
	w.insert(w.source, upTo(200)...)
	w.scanned("200")
	w.settled()
	require.NotEmpty(t, w.log.lines("level=WARN", "the cursor falls back"))
}

// A restore sets the table back; what is written then takes ids that were scanned before.
func TestIDsThatGoBackAfterARestoreAreSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, upTo(300)...)
	w.fleet()
	w.scanned("300")
	w.settled()
	w.source.Exec(t, "DELETE FROM shop WHERE id > 100")
	w.far.Exec(t, "DELETE FROM shop WHERE id > 100")
	w.scanned("100")
	for id := 101; id <= 350; id++ {
		w.source.Exec(t, fmt.Sprintf("INSERT INTO shop (id, number, name) VALUES (%d, '%s-2-%d', '%s anew')", id, planted, id, planted))
	}
	w.scanned("350")
	w.settled()
}

// gh-ost and pt-online-schema-change swap tables in one statement; some tools leave a
// moment without any. The scan goes on either way, and bodies have the new column.
func TestATableThatIsSwappedUnderTheScan(t *testing.T) {
	t.Parallel()
	for name, swap := range map[string][]string{
		"in one step":  {"RENAME TABLE shop TO _shop_old, _shop_new TO shop"},
		"with a gap":   {"RENAME TABLE shop TO _shop_old", "", "RENAME TABLE _shop_new TO shop"},
		"added column": {"ALTER TABLE shop ADD COLUMN note VARCHAR(20) DEFAULT 'n' AFTER id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.receiver.Behave(w.repairing())
			w.job.Update = job.UpdateScan{Enabled: true, Every: w.job.Insert.Every, Column: "updated", Window: time.Second}
			w.job.RangeRows = 50
			w.insert(w.source, upTo(500)...)
			w.fleet()
			w.scanned("500")
			w.settled()
			if len(swap) > 1 || name == "in one step" {
				w.source.Exec(t, "CREATE TABLE _shop_new LIKE shop; ALTER TABLE _shop_new ADD COLUMN note VARCHAR(20) DEFAULT 'n' AFTER id; INSERT INTO _shop_new (id, number, name) SELECT id, number, name FROM shop")
			}
			for _, step := range swap {
				if step == "" {
					w.until(func() bool { return len(w.log.lines("a table is not what it was")) > 0 }, "it is noticed")
					continue
				}
				w.source.Exec(t, step)
			}
			w.insert(w.source, 501, 502)
			w.source.Exec(t, "UPDATE shop SET name = CONCAT(name, ' new') WHERE id IN (7, 8)")
			w.scanned("502")
			w.settled()
			require.Equal(t, 1, w.receiver.Counts("id")[callbacktest.Key{ID: "7", Type: 2}])
		})
	}
}

// Callback bodies hold every column of the source, also one that nobody mapped. When it is
// dropped, statements that name it fail until the table has been looked at again.
func TestAColumnThatIsDroppedWhileRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.source.Exec(t, "ALTER TABLE shop ADD COLUMN note VARCHAR(20) DEFAULT 'n'")
	w.receiver.Behave(w.repairing())
	w.fleet()
	w.insert(w.source, 1)
	w.settled()
	require.Contains(t, w.receiver.Received()[0].Body.SrcColumn, "note")

	w.source.Exec(t, "ALTER TABLE shop DROP COLUMN note")
	w.insert(w.source, 2)
	w.settled()
	last := w.receiver.Received()[w.receiver.Count()-1].Body
	require.Equal(t, "2", last.Value("id"))
	require.NotContains(t, last.SrcColumn, "note")
	require.NotEmpty(t, w.log.lines("a table is not what it was"))
}

// A column that is compared is gone: nobody can say what is right. The process waits and
// says what is wrong; it goes on when the column is back.
func TestAMappedColumnThatIsDroppedIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	p := w.runConfig(app.Both, w.config(w.job))
	w.insert(w.source, 1)
	w.settled()
	w.far.Exec(t, "ALTER TABLE shop DROP COLUMN name")
	w.insert(w.source, 2)
	w.until(func() bool {
		ready, why := p.Ready(t.Context())
		return !ready && strings.Contains(why, "tables of job shop") && strings.Contains(why, "name")
	}, "it is not ready and says why")
	w.far.Exec(t, "ALTER TABLE shop ADD COLUMN name VARCHAR(40); REPLACE INTO shop (id, number, name) SELECT id, number, name FROM "+w.source.Name+".shop WHERE id = 1")
	w.settled()
	require.NoError(t, p.stop())
}

// A scheduler that was away for a day takes up where it was.
func TestADayWithoutASchedulerIsScanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.Update = job.UpdateScan{Enabled: true, Every: w.job.Insert.Every, Column: "updated", Window: time.Second}
	w.job.Insert.Enabled, w.job.RangeRows = false, 50
	w.insert(w.source, upTo(400)...)
	w.insert(w.far, upTo(400)...)
	w.source.Exec(t, "UPDATE shop SET name = 'newer', updated = NOW(3) - INTERVAL id * 200 SECOND") // over 22 hours
	dayAgo := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Millisecond)
	require.NoError(t, w.server.Client.HSet(t.Context(), w.key("cursor"), "update:"+w.job.Source.Shard.String(), job.TimePoint(dayAgo).String()).Err())
	w.receiver.Behave(w.repairing())
	w.fleet()
	w.until(func() bool { return w.stat("closed_equal") == 400 }, "every row of that day is closed")
	w.settled()
}

// An update time that lies ahead of the database's clock is seen when the clock gets there.
func TestAnUpdateTimeInTheFutureIsSeenWhenItHasCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.job.Update = job.UpdateScan{Enabled: true, Every: w.job.Insert.Every, Column: "updated", Window: time.Second}
	w.job.Insert.Enabled = false
	w.insert(w.source, 1)
	w.insert(w.far, 1)
	w.receiver.Behave(w.repairing())
	w.fleet()
	w.until(func() bool { return w.server.Client.HLen(t.Context(), w.key("cursor")).Val() == 1 }, "the scan has begun")
	began := time.Now()
	w.source.Exec(t, "UPDATE shop SET name = 'ahead', updated = NOW(3) + INTERVAL 3 SECOND")
	w.settled()
	require.Greater(t, time.Since(began), 2*time.Second)
}

// A DATETIME column shows a wall clock that repeats an hour in autumn and leaves one out
// in spring: what it showed around them is seen, and called once in the hour that is scanned twice.
func TestAWallClockThatRepeatsOrLeavesOutAnHour(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		before, after string // instants
		walls         []string
	}{
		"repeats":    {"2025-11-02T04:00:00Z", "2025-11-02T08:00:00Z", []string{"00:59:59.999", "01:00:00", "01:30:00", "01:59:59.999", "02:00:00", "02:30:00"}},
		"leaves out": {"2025-03-09T05:00:00Z", "2025-03-09T09:00:00Z", []string{"01:00:00", "01:59:59.999", "03:00:00", "03:00:00.001", "03:30:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.source.Exec(t, "ALTER TABLE shop MODIFY updated DATETIME(3)")
			w.job.Update = job.UpdateScan{Enabled: true, Every: w.job.Insert.Every, Column: "updated", Window: time.Second, Zone: "America/New_York"}
			w.job.Insert.Enabled = false
			for i, wall := range change.walls {
				w.source.Exec(t, fmt.Sprintf("INSERT INTO shop VALUES (%d, '%s', '%s', '%s %s')", i+1, number(i+1), planted, change.before[:10], wall))
			}
			before, err := time.Parse(time.RFC3339, change.before)
			require.NoError(t, err)
			field := "update:" + w.job.Source.Shard.String()
			require.NoError(t, w.server.Client.HSet(t.Context(), w.key("cursor"), field, job.TimePoint(before).String()).Err())
			w.receiver.Behave(w.repairing())
			w.fleet()
			w.until(func() bool { return w.server.Client.HGet(t.Context(), w.key("cursor"), field).Val() > change.after }, "the scan is past that hour")
			w.settled()
			called := w.receiver.Counts("id")
			require.Len(t, called, len(change.walls))
			for id := range change.walls {
				require.Equal(t, 1, called[callbacktest.Key{ID: strconv.Itoa(id + 1), Type: 1}], "row %d", id+1)
			}
		})
	}
}
