package job_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/job"
)

var (
	at      = time.Date(2026, 11, 22, 10, 0, 4, 0, time.UTC)
	atEight = time.Date(2026, 11, 22, 10, 0, 4, 120_000_000, time.FixedZone("", 8*3600))
)

func TestPointsAsText(t *testing.T) {
	t.Parallel()
	for text, p := range map[string]job.Point{
		"":                                       {},
		"%":                                      job.KeyPoint(""),
		"1000":                                   job.KeyPoint("1000"),
		"-5":                                     job.KeyPoint("-5"),
		"18446744073709551615":                   job.KeyPoint("18446744073709551615"),
		"ab%2Fc":                                 job.KeyPoint("ab/c"),
		"a%2E%2Eb%3A%2A%20%25":                   job.KeyPoint("a..b:* %"),
		"%E4%BD%A0":                              job.KeyPoint("你"),
		"%FF%00":                                 job.KeyPoint("\xff\x00"),
		"2026-11-22T10:00:04Z":                   job.TimePoint(at),
		"2026-11-22T10:00:04Z/1000":              {At: at, Key: []string{"1000"}},
		"2026-11-22T10:00:04.12+08:00/a,%,b%2C2": {At: atEight, Key: []string{"a", "", "b,2"}},
	} {
		require.Equal(t, text, p.String())
		back, err := job.ParsePoint(text)
		require.NoError(t, err, text)
		require.Equal(t, p.Key, back.Key, text)
		require.True(t, p.At.Equal(back.At), text)
		require.Equal(t, text, back.String())
		require.Equal(t, text == "", back.Open())
		require.Equal(t, strings.Contains(text, ":"), back.Timed())
	}
}

func TestPointsOfDifferentZonesHaveOneCursor(t *testing.T) {
	t.Parallel()
	utc := job.TimePoint(atEight).UTC()
	require.Equal(t, "2026-11-22T02:00:04.12Z", utc.String())
	require.Equal(t, utc, utc.UTC())
	require.Equal(t, job.KeyPoint("7"), job.KeyPoint("7").UTC())
}

// One point has one text: what String would not write is refused.
func TestTextsThatNoPointHas(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		" ", "a b", "a.b", "*", "%4", "%41", "%2f", "%zz", "a,", ",a", "ü",
		"10:00", "2026-11-22T10:00:04", "2026-11-22T10:00:04z", "2026-11-22T10:00:04.0Z", "2026-11-22T10:00:04.10Z",
		"2026-11-22T10:00:04Z/", "2026-11-22T10:00:04+00:00", "0001-01-01T00:00:00Z", "2026-13-22T10:00:04Z",
	} {
		_, err := job.ParsePoint(text)
		require.Error(t, err, text)
	}
}

func TestShardsAsText(t *testing.T) {
	t.Parallel()
	for text, s := range map[string]job.Shard{
		"db.user":        {Database: "db", Table: "user"},
		"d%2Eb.us%3Aer":  {Database: "d.b", Table: "us:er"},
		"%.%":            {},
		"db-1.user_0042": {Database: "db-1", Table: "user_0042"},
	} {
		require.Equal(t, text, s.String())
		back, err := job.ParseShard(text)
		require.NoError(t, err)
		require.Equal(t, s, back)
	}
	for _, text := range []string{"", "db", ".", "db.", ".user", "a.b.c", "a b.c"} {
		_, err := job.ParseShard(text)
		require.ErrorContains(t, err, fmt.Sprintf("shard %q", text))
	}
}

func TestRangesAsText(t *testing.T) {
	t.Parallel()
	shard := job.Shard{Database: "db", Table: "user"}
	for id, r := range map[string]job.Range{
		"insert:db.user:1000..2000": {Scan: job.Insert, Shard: shard, After: job.KeyPoint("1000"), UpTo: job.KeyPoint("2000")},
		"insert-late:db.user:..7":   {Scan: job.Insert.Late(), Shard: shard, UpTo: job.KeyPoint("7")},
		"audit:db.user:7..":         {Scan: job.Audit, Shard: shard, After: job.KeyPoint("7")},
		"rescan-12:db.user:..":      {Scan: "rescan-12", Shard: shard},
		"update:db.user:2026-11-22T10:00:04Z/7..2026-11-22T10:00:04Z": {
			Scan: job.Update, Shard: shard, After: job.Point{At: at, Key: []string{"7"}}, UpTo: job.TimePoint(at),
		},
		"insert:db.user:%2E%2E..a%3Ab": {Scan: job.Insert, Shard: shard, After: job.KeyPoint(".."), UpTo: job.KeyPoint("a:b")},
	} {
		require.Equal(t, id, r.ID())
		back, err := job.ParseRange(id)
		require.NoError(t, err)
		require.Equal(t, r, back)
	}
	for _, id := range []string{
		"", "insert", "insert:db.user", "insert:db.user:1", "insert:db.user:1.2", "other:db.user:1..2", "rescan-0:db.user:1..2",
		"rescan-1234567890123456789:db.user:1..2", "insert:db:1..2", "insert:db.user:1..2..3", "insert:db.user: ..2",
		"insert:db.user:1..2026-11-22T10:00:04Z", "insert-late-late:db.user:1..2",
	} {
		_, err := job.ParseRange(id)
		require.ErrorContains(t, err, fmt.Sprintf("range %q", id))
	}
}

// points draws points of one kind: of an insert scan, or of an update scan.
func points(timed bool) *rapid.Generator[job.Point] {
	return rapid.Custom(func(t *rapid.T) job.Point {
		if !timed {
			if rapid.Bool().Draw(t, "open") {
				return job.Point{}
			}
			return job.KeyPoint(rapid.String().Draw(t, "key"))
		}
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "zone, minutes"))
		at := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "µs")).In(zone)
		return job.Point{At: at, Key: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "key")}
	})
}

func TestEveryRangeHasOneText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ends := points(rapid.Bool().Draw(t, "timed"))
		r := job.Range{
			Scan:  rapid.SampledFrom([]job.Scan{job.Insert, job.InsertLate, job.Update, job.UpdateLate, job.Audit, "rescan-7"}).Draw(t, "scan"),
			Shard: job.Shard{Database: rapid.String().Draw(t, "database"), Table: rapid.String().Draw(t, "table")},
			After: ends.Draw(t, "after"), UpTo: ends.Draw(t, "upto"),
		}
		id := r.ID()
		require.NotContains(t, id, " ")
		back, err := job.ParseRange(id)
		require.NoError(t, err, id)
		require.Equal(t, id, back.ID())
		require.Equal(t, r.Shard, back.Shard)
		require.True(t, r.After.At.Equal(back.After.At))
		require.True(t, r.UpTo.At.Equal(back.UpTo.At))
	})
}

func TestCallbackIDs(t *testing.T) {
	t.Parallel()
	d := job.Difference{Destination: "b.user", Shard: job.Shard{Database: "db", Table: "user"}, Key: "7"}
	require.Equal(t, job.CallbackID("b.user:db.user:7"), d.ID())
	seen := map[job.CallbackID]string{}
	for _, key := range []string{"7", "", "%", "7:8", "7 8", strings.Repeat("x", 48), strings.Repeat("x", 49), strings.Repeat("x", 500), strings.Repeat("x", 501)} {
		d.Key = key
		id := d.ID()
		require.LessOrEqual(t, len(id), 64)
		require.Equal(t, id, d.ID())
		require.NotContains(t, seen, id, "%q and %q", key, seen[id])
		seen[id] = key
	}
	require.True(t, strings.HasPrefix(string(d.ID()), "sha256:"))
}

func FuzzParseRange(f *testing.F) {
	f.Add("insert:db.user:1000..2000")
	f.Add("update-late:d%2Eb.u:2026-11-22T10:00:04.5+08:00/a,%..2026-11-22T10:00:05Z")
	f.Add("rescan-3:db.user:..")
	f.Fuzz(func(t *testing.T, id string) {
		if r, err := job.ParseRange(id); err == nil {
			require.Equal(t, id, r.ID())
		}
	})
}

func FuzzParsePoint(f *testing.F) {
	f.Add("1000")
	f.Add("2026-11-22T10:00:04+08:00/1000,%,%2C")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := job.ParsePoint(text); err == nil {
			require.Equal(t, text, p.String())
			again, err := job.ParsePoint(p.UTC().String())
			require.NoError(t, err)
			require.Equal(t, p.Key, again.Key)
		}
	})
}

func FuzzParseShard(f *testing.F) {
	f.Add("db.user")
	f.Add("%.d%2E")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := job.ParseShard(text); err == nil {
			require.Equal(t, text, s.String())
		}
	})
}
