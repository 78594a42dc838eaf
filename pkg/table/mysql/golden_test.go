package mysql

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

var (
	idColumn    = column{name: "id", kind: kindInteger}
	partColumn  = column{name: "pa`rt", kind: kindText, charset: "utf8mb4"}
	byID        = order{keys: []column{idColumn}}
	datetime    = &updateColumn{column: column{name: "u", kind: kindDateTime}}
	timestamp   = &updateColumn{column: column{name: "u", kind: kindTimestamp, precision: 3}}
	byDatetime  = order{update: datetime, keys: []column{partColumn, idColumn}}
	byTimestamp = order{update: timestamp, keys: []column{idColumn}}
)

func TestRangesAsSQL(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order       order
		after, upto string
		sql         string
		args        []any
	}{
		"open":        {byID, "", "", "TRUE", nil},
		"mixed signs": {byID, "-1", "18446744073709551615", "`id` > -1 AND `id` <= 18446744073709551615", nil},
		"keys":        {byID, "7", "9223372036854775807", "`id` BETWEEN 8 AND 9223372036854775807", nil},
		"no keys":     {byID, "7", "7", "`id` > 7 AND `id` <= 7", nil},
		"negative":    {byID, "-9", "-7", "`id` > -9 AND `id` <= -7", nil},
		"open below":  {byID, "", "7", "`id` <= 7", nil},
		"texts":       {order{keys: []column{partColumn}}, "a%2Fb", "%", "`pa``rt` > ? AND `pa``rt` <= ?", []any{"a/b", ""}},
		"instants": {byDatetime, "2026-11-22T10:00:04+08:00", "2026-11-22T10:00:05.9+08:00",
			"`u` > ? AND `u` <= ?", []any{"2026-11-22 10:00:04", "2026-11-22 10:00:05"}},
		"instants in UTC": {byTimestamp, "2026-11-22T10:00:04.1234+08:00", "",
			"`u` > ? AND `u` > '1970-01-01 00:00:00'", []any{"2026-11-22 02:00:04.123"}},
		"behind a row": {byDatetime, "2026-11-22T10:00:04Z/x,7", "2026-11-22T10:00:05Z",
			"`u` >= ? AND (`u` > ? OR (`u` = ? AND `pa``rt` >= ? AND (`pa``rt` > ? OR (`pa``rt` = ? AND `id` > 7)))) AND `u` <= ?",
			[]any{"2026-11-22 10:00:04", "2026-11-22 10:00:04", "2026-11-22 10:00:04", "x", "x", "x", "2026-11-22 10:00:05"}},
		"up to a row": {byTimestamp, "2026-11-22T10:00:04Z", "2026-11-22T10:00:05Z/7",
			"`u` > ? AND `u` <= ? AND (`u` < ? OR (`u` = ? AND `id` <= 7))",
			[]any{"2026-11-22 10:00:04.000", "2026-11-22 10:00:05.000", "2026-11-22 10:00:05.000", "2026-11-22 10:00:05.000"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, err := job.ParsePoint(c.after)
			require.NoError(t, err)
			upto, err := job.ParsePoint(c.upto)
			require.NoError(t, err)
			where, err := c.order.within(after, upto)
			require.NoError(t, err)
			require.Equal(t, c.sql, where.sql)
			require.Equal(t, c.args, where.args)
		})
	}
}

func TestPointsOfAnotherOrder(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"2026-11-22T10:00:04Z", "a,b", "1,2", "x", "1e3", "18446744073709551616"} {
		point, err := job.ParsePoint(text)
		require.NoError(t, err)
		_, err = byID.within(point, job.Point{})
		require.Error(t, err, text)
	}
}

func TestOperands(t *testing.T) {
	t.Parallel()
	latin := column{kind: kindText, charset: "latin1", collation: "latin1_bin"}
	for name, c := range map[string]struct {
		column column
		text   string
		sql    string // "" when the column cannot hold the text
	}{
		"integer":            {idColumn, "007", "7"},
		"integer with zeros": {idColumn, "7.00", "7"},
		"fraction":           {idColumn, "7.5", ""},
		"injection":          {idColumn, "1 OR 1=1", ""},
		"decimal":            {column{kind: kindDecimal}, "-1.50", "-1.50"},
		"decimal exponent":   {column{kind: kindDecimal}, "1e5", ""},
		"text":               {partColumn, "7", "?"},
		"invalid text":       {partColumn, "\xff", ""},
		"bytes":              {column{kind: kindBytes}, "\xff", "?"},
		"plain latin1":       {latin, "abc", "?"},
		"latin1":             {latin, "é", "CONVERT(? USING latin1) COLLATE latin1_bin"},
		"ascii":              {column{kind: kindText, charset: "ascii"}, "é", ""},
		"three bytes":        {column{kind: kindText, charset: "utf8mb3"}, "中", "?"},
		"four bytes":         {column{kind: kindText, charset: "utf8mb3"}, "😀", ""},
		"date":               {column{kind: kindDate}, "2026-11-22", "?"},
		"no date":            {column{kind: kindDate}, "2026-02-30", ""},
		"zero date":          {column{kind: kindDateTime}, "0000-00-00 00:00:00.000", "?"},
		"no day":             {column{kind: kindDate}, "2026-02-00", "?"},
		"no month":           {column{kind: kindDateTime}, "2026-00-31 10:00:00.5", "?"},
		"no thirteenth":      {column{kind: kindDate}, "2026-13-00", ""},
		"nearly a zero date": {column{kind: kindDateTime}, "0000-00-00 10:00:00", ""},
		"time":               {column{kind: kindTime}, "-838:59:59.5", "?"},
		"no time":            {column{kind: kindTime}, "noon", ""},
		"single":             {column{kind: kindFloat}, "0.5", "5e-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			operand, ok := c.column.operand([]byte(c.text))
			require.Equal(t, c.sql != "", ok)
			if ok {
				require.Equal(t, c.sql, operand.sql)
			}
		})
	}
}

func TestServerZone(t *testing.T) {
	t.Parallel()
	winter := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	summer := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		now                      time.Time
		global, system, measured string
		winter, summer           string
	}{
		"offset":                        {winter, "+08:00", "UTC", "28800", "+08:00", "+08:00"},
		"short offset":                  {winter, "-5:30", "UTC", "-19800", "-05:30", "-05:30"},
		"name":                          {winter, "Europe/Berlin", "UTC", "3600", "+01:00", "+02:00"},
		"system, name":                  {summer, "SYSTEM", "Asia/Shanghai", "28800", "+08:00", "+08:00"},
		"system, UTC":                   {summer, "SYSTEM", "UTC", "0", "Z", "Z"},
		"system, unknown abbreviation":  {summer, "SYSTEM", "CST", "28800", "+08:00", "+08:00"},
		"system, misleading name":       {summer, "SYSTEM", "EST", "-14400", "-04:00", "-04:00"},
		"system, central Europe":        {summer, "SYSTEM", "CET", "7200", "+01:00", "+02:00"},
		"name, nothing measured":        {summer, "Asia/Tokyo", "UTC", "", "+09:00", "+09:00"},
		"nothing":                       {summer, "SYSTEM", "", "", "Z", "Z"},
		"this host's zone is no answer": {summer, "SYSTEM", "Local", "3600", "+01:00", "+01:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := serverZone(c.now, []byte(c.global), []byte(c.system), []diff.Value{[]byte(c.measured)})
			require.Equal(t, c.winter, winter.In(zone).Format("Z07:00"))
			require.Equal(t, c.summer, summer.In(zone).Format("Z07:00"))
		})
	}
}

// TestZonesBehindAbbreviations: a server's system zone has a name that is short,
// shared or of the season; its offsets tell which rules it keeps.
func TestZonesBehindAbbreviations(t *testing.T) {
	t.Parallel()
	for name, region := range map[string]string{
		"CEST": "Europe/Berlin", "CET": "Europe/Paris", "BST": "Europe/London", "EST": "America/New_York", "EDT": "America/Toronto",
		"CST": "America/Chicago", "CDT": "America/Mexico_City", "PDT": "America/Los_Angeles", "AEDT": "Australia/Melbourne", "MSK": "Europe/Moscow",
		"NZST": "Pacific/Auckland", "IST": "Asia/Jerusalem", "EET": "Europe/Kyiv",
	} {
		zone := must(parseZone(region))
		for _, now := range []string{"2026-01-31 10:00:00", "2026-08-31 10:00:00"} {
			at, err := time.Parse(secondLayout, now)
			require.NoError(t, err)
			measured := []diff.Value{}
			for _, probe := range append([]string{now}, probes[:]...) {
				instant, err := time.Parse(secondLayout, probe)
				require.NoError(t, err)
				_, offset := instant.In(zone).Zone()
				measured = append(measured, strconv.AppendInt(nil, int64(offset), 10))
			}
			found := serverZone(at, []byte("SYSTEM"), []byte(name), measured)
			for day := range 20 * 365 {
				instant := time.Date(2010, 1, 1, 0, 30, 0, 0, time.UTC).AddDate(0, 0, day)
				require.Equal(t, instant.In(zone).Format(secondLayout), instant.In(found).Format(secondLayout), "%s of %s, taken for %s", name, region, found)
			}
		}
	}
}

func TestFixedOffset(t *testing.T) {
	t.Parallel()
	winter := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		measured string
		fixed    bool
	}{"+08:00": {"28800", true}, "-3:30": {"-12600", true}, "UTC": {"0", true}, "Europe/Berlin": {"3600", false}, "CST": {"28800", false}, "WIT": {"0", false}} {
		zone := serverZone(winter, []byte(name), nil, []diff.Value{[]byte(c.measured)})
		seconds, fixed := fixedOffset(zone)
		require.Equal(t, c.fixed, fixed, name)
		if fixed {
			require.Equal(t, c.measured, strconv.Itoa(seconds))
		}
	}
}

func TestToWall(t *testing.T) {
	t.Parallel()
	berlin, ok := parseZone("Europe/Berlin")
	require.True(t, ok)
	for utc, wall := range map[string]string{
		"2026-07-15 23:00:00":        "2026-07-16 01:00:00",
		"2026-01-15 12:00:00.120":    "2026-01-15 13:00:00.120",
		"2026-10-25 00:30:00":        "2026-10-25 02:30:00",
		"2026-10-25 01:30:00":        "2026-10-25 02:30:00",
		"0000-00-00 00:00:00":        "0000-00-00 00:00:00",
		"0000-00-00 00:00:00.000000": "0000-00-00 00:00:00.000000",
		"":                           "",
	} {
		require.Equal(t, wall, string(reclock([]byte(utc), time.UTC, berlin)))
	}
	require.Nil(t, reclock(nil, time.UTC, berlin))
}

func TestIndexChoice(t *testing.T) {
	t.Parallel()
	part := func(names ...string) []indexPart {
		var parts []indexPart
		for _, name := range names {
			parts = append(parts, indexPart{column: name, whole: true})
		}
		return parts
	}
	s := schema{table: "t", indexes: []index{
		{name: "a_b", columns: part("a", "b")},
		{name: "a_prefix", columns: []indexPart{{column: "a"}}},
		{name: "a_id", columns: part("A", "id")},
		{name: "b_a", columns: part("b", "a")},
		{name: "text", columns: []indexPart{{column: "c"}}},
		{name: primary, unique: true, columns: part("id")},
	}}
	found, ok := s.ordering("a", []column{idColumn})
	require.True(t, ok)
	require.Equal(t, "a_id", found.name)
	_, ok = s.ordering("c", nil)
	require.False(t, ok, "the beginning of a text gives no order")
	found, ok = s.finding("c")
	require.True(t, ok)
	require.Equal(t, "text", found.name)
	require.True(t, s.unique("ID"))
	require.False(t, s.unique("a"))
	require.Equal(t, " FROM `t` FORCE INDEX (`PRIMARY`)", s.from(primary))
}

func TestKeysAsSQL(t *testing.T) {
	t.Parallel()
	text := column{name: "t", kind: kindText, charset: "utf8mb4"}
	key := func(values ...string) diff.Key {
		var all []diff.Value
		for _, v := range values {
			all = append(all, diff.Value(v))
		}
		k, ok := diff.NewKey(all...)
		require.True(t, ok)
		return k
	}
	path := index{columns: []indexPart{{column: "T"}, {column: "id"}}}
	for name, c := range map[string]struct {
		columns keyColumns
		path    index
		keys    []diff.Key
		sql     string // "" when the columns hold none
	}{
		"one column":       {keyColumns{idColumn}, path, []diff.Key{"7", "x", "8"}, "`id` IN (7, 8)"},
		"numbers in a row": {keyColumns{idColumn}, path, []diff.Key{"3", "1", "7", "4", "2", "3", "-1", "9"}, "(`id` BETWEEN 1 AND 4 OR `id` IN (-1, 7, 9))"},
		"across zero":      {keyColumns{idColumn}, path, []diff.Key{"1", "0", "-1", "-2"}, "`id` BETWEEN -2 AND 1"},
		"across 2^63": {
			keyColumns{{name: "id", kind: kindInteger, fullType: "bigint(20) unsigned"}}, path,
			[]diff.Key{"9223372036854775806", "9223372036854775807", "9223372036854775808", "9223372036854775809", "9223372036854775810", "9223372036854775811"},
			"(`id` BETWEEN 9223372036854775808 AND 9223372036854775811 OR `id` IN (9223372036854775806, 9223372036854775807))",
		},
		"a row in an index":      {keyColumns{idColumn, text}, path, []diff.Key{key("7", "a"), key("8", "a"), key("9", "a"), key("10", "a"), key("1", "b")}, "(`t` = 'a' AND `id` BETWEEN 7 AND 10) OR (`t` = 'b' AND `id` IN (1))"},
		"none":                   {keyColumns{idColumn}, path, []diff.Key{"x"}, ""},
		"in the index's order":   {keyColumns{idColumn, text}, path, []diff.Key{key("7", "a")}, "`t` = 'a' AND `id` IN (7)"},
		"without an index":       {keyColumns{idColumn, text}, index{}, []diff.Key{key("7", "a")}, "`id` = 7 AND `t` IN ('a')"},
		"several":                {keyColumns{idColumn, text}, path, []diff.Key{key("7", "a"), key("8", "a"), key("7", "b")}, "(`t` = 'a' AND `id` IN (7, 8)) OR (`t` = 'b' AND `id` IN (7))"},
		"one that cannot be":     {keyColumns{idColumn, text}, path, []diff.Key{key("x", "a"), key("8", "it's ?")}, `` + "`t` = 'it\\'s ?' AND `id` IN (8)"},
		"a text that is no key":  {keyColumns{idColumn, text}, path, []diff.Key{"7", "1:7", "9:7"}, ""},
		"a part beyond its type": {keyColumns{idColumn, text}, path, []diff.Key{key("9223372036854775808", "a")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, ok := c.columns.in(c.keys, c.path)
			require.Equal(t, c.sql != "", ok)
			if ok {
				require.Equal(t, c.sql, where.literal())
			}
		})
	}
}

func TestIndexOfSeveralColumns(t *testing.T) {
	t.Parallel()
	of := func(name string, unique bool, columns ...string) index {
		i := index{name: name, unique: unique}
		for _, c := range columns {
			i.columns = append(i.columns, indexPart{column: c, whole: true})
		}
		return i
	}
	for name, c := range map[string]struct {
		indexes []index
		found   string
		unique  bool
	}{
		"none":                      {[]index{of("x", true, "x", "a", "b")}, "", false},
		"the first column only":     {[]index{of("a", false, "a")}, "a", false},
		"both, in another order":    {[]index{of("a", false, "a"), of("ba", false, "B", "A")}, "ba", false},
		"both, then more":           {[]index{of("a_x", false, "a", "x"), of("abx", true, "a", "b", "x")}, "abx", false},
		"unique":                    {[]index{of("ab", false, "a", "b"), of("ba", true, "b", "a")}, "ba", true},
		"unique by one of them":     {[]index{of("ab", false, "a", "b"), of("b", true, "b")}, "b", true},
		"only the texts' beginning": {[]index{{name: "ab", unique: true, columns: []indexPart{{column: "a"}, {column: "b", whole: true}}}, of("a", false, "a")}, "ab", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := schema{indexes: c.indexes}
			found, ok := s.finding("a", "b")
			require.Equal(t, c.found != "", ok)
			require.Equal(t, c.found, found.name)
			require.Equal(t, c.unique, s.unique("a", "b"))
		})
	}
}
