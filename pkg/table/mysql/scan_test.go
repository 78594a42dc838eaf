package mysql_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

const narrow = "CREATE TABLE t (number INT PRIMARY KEY)"

// keyed makes a source whose scan key has the given type and values.
func keyed(t testing.TB, keyType string, keys ...string) *mysql.Source {
	t.Helper()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id "+keyType+" NOT NULL PRIMARY KEY, number INT)")
	p.destination.Exec(t, narrow)
	for i, key := range keys {
		p.source.Exec(t, "INSERT INTO t VALUES (?, ?)", key, i)
	}
	return p.plan(t).Source
}

func TestScanOfKeys(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keyType string
		numeric bool
		keys    []string // in order
	}{
		"unsigned":   {"BIGINT UNSIGNED", true, []string{"0", "1", "9007199254740992", "9007199254740993", "18446744073709551614", "18446744073709551615"}},
		"signed":     {"BIGINT", true, []string{"-9223372036854775808", "-9223372036854775807", "-1", "0", "1", "9223372036854775807"}},
		"tiny":       {"TINYINT", true, []string{"-128", "-1", "0", "127"}},
		"zerofill":   {"INT(6) ZEROFILL", true, []string{"1", "22", "333"}},
		"odd texts":  {"VARCHAR(40) COLLATE utf8mb4_bin", false, []string{"", "%", "'; DROP TABLE t; -- ", "01H", "a,b", "a..b", "a\\", "é", "ключ", "😀"}},
		"collation":  {"VARCHAR(40)", false, []string{"*", "a", "B", "c", "D"}},
		"ascii":      {"CHAR(4) CHARACTER SET ascii", false, []string{"0001", "0002", "000A"}},
		"bytes":      {"VARBINARY(16)", false, []string{"\x00", "\x00\x01", "'\\", "\xff", "\xff\xfe"}},
		"one letter": {"BINARY(2)", false, []string{"\x00\x01", "ab", "\xff\xff"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := keyed(t, c.keyType, c.keys...)
			require.Equal(t, c.numeric, source.NumericKey())
			for limit := 1; limit <= len(c.keys)+1; limit++ {
				require.Equal(t, c.keys, pages(t, source, job.Range{Scan: job.Insert}, limit))
			}

			top, found, behind, err := source.Bounds(t.Context(), job.KeyPoint(c.keys[0]))
			require.NoError(t, err)
			require.True(t, found)
			require.False(t, behind)
			last := len(c.keys) - 1
			require.Equal(t, job.KeyPoint(c.keys[last]), top)

			for n := 1; n <= last; n++ {
				step, ok, err := source.Step(t.Context(), job.Insert, job.KeyPoint(c.keys[0]), top, n)
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, job.KeyPoint(c.keys[n]), step)
			}
			_, ok, err := source.Step(t.Context(), job.Insert, job.KeyPoint(c.keys[0]), top, last+1)
			require.NoError(t, err)
			require.False(t, ok)

			rows, err := source.Lookup(t.Context(), c.keys, false)
			require.NoError(t, err)
			require.Len(t, rows, len(c.keys))
		})
	}
}

func TestBoundsBehindTheCursor(t *testing.T) {
	t.Parallel()
	source := keyed(t, "VARCHAR(10)", "a", "B")
	_, _, behind, err := source.Bounds(t.Context(), job.KeyPoint("a")) // B is less than a by bytes, not by collation
	require.NoError(t, err)
	require.False(t, behind)
	_, _, behind, err = source.Bounds(t.Context(), job.KeyPoint("C"))
	require.NoError(t, err)
	require.True(t, behind)
}

func TestBoundsOfAnEmptyTable(t *testing.T) {
	t.Parallel()
	source := keyed(t, "INT")
	_, found, behind, err := source.Bounds(t.Context(), job.KeyPoint("7"))
	require.NoError(t, err)
	require.False(t, found)
	require.False(t, behind)
}

func TestPointsThatDoNotFitTheKey(t *testing.T) {
	t.Parallel()
	source := keyed(t, "INT", "1")
	_, _, _, err := source.Page(t.Context(), job.Range{Scan: job.Insert, After: job.KeyPoint("x")}, 1)
	require.ErrorContains(t, err, "does not fit the column id of type int")
	_, _, _, err = source.Page(t.Context(), job.Range{Scan: job.Update}, 1)
	require.ErrorContains(t, err, "no update column")
}

// TestScanOfKeysThatAreNotUnique pages over groups of rows that share the key.
func TestScanOfKeysThatAreNotUnique(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.source.Exec(t, "CREATE TABLE t (id INT, version INT, number INT, PRIMARY KEY (id, version))")
	p.source.Exec(t, "INSERT INTO t VALUES (1,1,1),(2,1,1),(2,2,1),(2,3,1),(3,1,1),(4,1,1),(4,2,1)")
	p.destination.Exec(t, narrow)
	plan := p.plan(t)
	require.Contains(t, lines(plan.Warnings), "not unique")
	for limit := 1; limit < 9; limit++ {
		require.Equal(t, []string{"1", "2", "2", "2", "3", "4", "4"}, pages(t, plan.Source, job.Range{Scan: job.Insert}, limit), limit)
	}
}

// updated makes a pair whose job scans updates by column u of the given type.
func updated(t testing.TB, server *mysqltest.Server, updateType, key string) *pair {
	t.Helper()
	p := newPair(t, server)
	p.source.Exec(t, "CREATE TABLE t (id INT NOT NULL, part VARCHAR(10) NOT NULL DEFAULT '', number INT, u "+updateType+", KEY (u), "+key+")")
	p.destination.Exec(t, narrow)
	p.job.Update = job.UpdateScan{Enabled: true, Column: "u"}
	return p
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return at
}

// TestUpdatePagesOfOneSecond: a bulk UPDATE puts many rows into one second.
func TestUpdatePagesOfOneSecond(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ updateType, key, after, upto string }{
		"datetime":           {"DATETIME", "PRIMARY KEY (id)", "2026-11-22T10:00:04+08:00", "2026-11-22T10:00:05+08:00"},
		"datetime, two keys": {"DATETIME", "PRIMARY KEY (part, id), KEY (id)", "2026-11-22T10:00:04-05:00", "2026-11-22T10:00:05-05:00"},
		"datetime, no key":   {"DATETIME", "UNIQUE (id)", "2026-11-22T10:00:04Z", "2026-11-22T10:00:05Z"},
		"timestamp":          {"TIMESTAMP NULL", "PRIMARY KEY (id)", "2026-11-22T18:00:04+08:00", "2026-11-22T18:00:05+08:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := updated(t, mysqltest.Shared(t), c.updateType, c.key)
			insertMany(t, p, 3000)
			p.source.Exec(t, "UPDATE t SET u = '2026-11-22 10:00:05'")
			p.source.Exec(t, "UPDATE t SET u = '2026-11-22 10:00:06' WHERE id = 7")
			p.source.Exec(t, "UPDATE t SET u = '2026-11-22 10:00:04' WHERE id = 8")
			p.source.Exec(t, "UPDATE t SET u = NULL WHERE id = 9")
			r := job.Range{Scan: job.Update, After: job.TimePoint(at(t, c.after)), UpTo: job.TimePoint(at(t, c.upto))}
			source := p.plan(t).Source
			keys := pages(t, source, r, 91)
			require.Len(t, keys, 2997)
			require.Len(t, set(keys), 2997, "none twice")

			middle, ok, err := source.Step(t.Context(), job.Update, r.After, r.UpTo, 1000)
			require.NoError(t, err)
			require.True(t, ok)
			require.True(t, middle.At.Equal(r.UpTo.At))
			first, second := r, r
			first.UpTo, second.After = middle, middle
			require.Len(t, pages(t, source, first, 300), 1000)
			require.Equal(t, keys[1000:], pages(t, source, second, 300))
		})
	}
}

func insertMany(t testing.TB, p *pair, n int) {
	t.Helper()
	var rows []string
	for i := range n {
		rows = append(rows, fmt.Sprintf("(%d, 'p%d', %d)", i, i%7, i))
	}
	p.source.Exec(t, "INSERT INTO t (id, part, number) VALUES "+strings.Join(rows, ", "))
}

func set(keys []string) map[string]bool {
	set := make(map[string]bool)
	for _, key := range keys {
		set[key] = true
	}
	return set
}

func TestUpdateColumnForms(t *testing.T) {
	t.Parallel()
	format := func(text string) job.TimeFormat {
		f, err := job.ParseTimeFormat(text)
		require.NoError(t, err)
		return f
	}
	moments := []string{"2026-11-22T10:00:04Z", "2026-11-22T10:00:05Z", "2026-11-22T10:00:06Z"}
	for name, c := range map[string]struct {
		updateType, format, zone string
		write                    func(time.Time) string
		unit                     time.Duration
		shown                    string // the offset of the column's wall clock
	}{
		"datetime":          {"DATETIME", "Y-m-d H:i:s", "", utcText, time.Second, "Z"},
		"datetime, zone":    {"DATETIME", "", "Asia/Shanghai", func(at time.Time) string { return utcText(at.Add(8 * time.Hour)) }, time.Second, "+08:00"},
		"datetime(3)":       {"DATETIME(3)", "", "", utcText, time.Millisecond, "Z"},
		"timestamp(6)":      {"TIMESTAMP(6) NULL", "", "", utcText, time.Microsecond, "Z"},
		"unix":              {"INT", "unix", "", func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }, time.Second, "Z"},
		"unixMilli":         {"BIGINT UNSIGNED", "unixMilli", "", func(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }, time.Millisecond, "Z"},
		"text":              {"VARCHAR(30)", "Y-m-d H:i:s", "", utcText, time.Second, "Z"},
		"text in a charset": {"CHAR(30) CHARACTER SET latin1", "YmdHis", "+08:00", func(at time.Time) string { return at.Add(8 * time.Hour).Format("20060102150405") }, time.Second, "+08:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := updated(t, mysqltest.Shared(t), c.updateType, "PRIMARY KEY (id)")
			p.job.Update.Zone = c.zone
			if c.format != "" {
				p.job.Update.Format = format(c.format)
			}
			for i, text := range moments {
				p.source.Exec(t, "INSERT INTO t (id, u) VALUES (?, ?)", i, c.write(at(t, text)))
			}
			source := p.plan(t).Source
			require.Equal(t, c.unit, source.UpdateUnit())

			now, zone, err := source.Clock(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.shown, now.In(zone).Format("Z07:00"))
			require.WithinDuration(t, time.Now(), now, time.Minute)
			recent, shown, err := source.RecentClock(t.Context())
			require.NoError(t, err)
			require.Equal(t, zone, shown)
			require.False(t, recent.Before(now), "another look was later than this one")
			later, _, err := source.Clock(t.Context())
			require.NoError(t, err)
			require.False(t, recent.After(later), "never ahead of the server")

			top, found, err := source.UpdateTop(t.Context())
			require.NoError(t, err)
			require.True(t, found)
			require.True(t, top.Equal(at(t, moments[2])), top)

			r := job.Range{Scan: job.Update, After: job.TimePoint(at(t, moments[0]).In(zone)), UpTo: job.TimePoint(at(t, moments[1]).In(zone))}
			require.Equal(t, []string{"1"}, pages(t, source, r, 10))
			r.UpTo.At = r.UpTo.At.Add(999 * time.Nanosecond) // less than any column's step
			require.Equal(t, []string{"1"}, pages(t, source, r, 10))
			r.UpTo.At = r.UpTo.At.Add(time.Second)
			require.Equal(t, []string{"1", "2"}, pages(t, source, r, 1))
			require.Equal(t, []string{"0", "1", "2"}, pages(t, source, job.Range{Scan: job.Update}, 1))

			step, ok, err := source.Step(t.Context(), job.Update, job.Point{}, r.UpTo, 2)
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, at(t, moments[1]).In(zone).Format(time.RFC3339)+"/1", step.String())
		})
	}
}

func utcText(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05.999") }

// TestUpdateScanPassesWhatIsNoTime: such rows are in no range, and stop none.
func TestUpdateScanPassesWhatIsNoTime(t *testing.T) {
	t.Parallel()
	p := updated(t, mysqltest.Shared(t), "DATETIME", "PRIMARY KEY (id)")
	p.source.Exec(t, "SET sql_mode=''; INSERT INTO t (id, u) VALUES (1, NULL), (2, '0000-00-00'), (3, '2026-11-22 10:00:05'), (4, '2026-11-00 10:00:06'), (5, '2026-11-23')")
	source := p.plan(t).Source
	require.Equal(t, []string{"4", "3", "5"}, pages(t, source, job.Range{Scan: job.Update}, 2))
}
