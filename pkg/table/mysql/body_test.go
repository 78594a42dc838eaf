package mysql_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestBodyIsWhatAPlainClientSees(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.destination.Exec(t, narrow)
	p.source.Exec(t, `SET sql_mode='';
		CREATE TABLE t (
			Id BIGINT UNSIGNED PRIMARY KEY, number INT,
			hidden INT INVISIBLE DEFAULT 1,
			z INT(6) ZEROFILL, dz DECIMAL(8,2) ZEROFILL, de DECIMAL(10,4), f FLOAT, d DOUBLE, b BIT(12), y YEAR,
			v VARCHAR(20) CHARACTER SET latin1, bi BINARY(3), bl BLOB, g POINT,
			da DATE, dt DATETIME(3), ti TIME, ts TIMESTAMP(2) NULL, zero DATETIME, zts TIMESTAMP DEFAULT 0,
			j JSON, e ENUM('x','y'), s SET('p','q'), n VARCHAR(1), empty VARCHAR(1), gen INT AS (number + 1));
		INSERT INTO t (Id, number, z, dz, de, f, d, b, y, v, bi, bl, g, da, dt, ti, ts, zero, zts, j, e, s, n, empty) VALUES
			(18446744073709551615, -1, 42, 7.5, 1.5, 1.2345678, 1e100, b'101', 0, 'é "x"', 'a', x'00ff', NULL, '2023-00-00', '2026-11-22 10:00:01.5', '-12:00:01',
			'2026-11-22 10:00:01.5', '0000-00-00', 0, '{"b": 1,"a":2}', 'y', 'q,p', NULL, '')`)
	source := p.plan(t).Source
	rows, err := source.Lookup(t.Context(), []string{"18446744073709551615"}, true)
	require.NoError(t, err)
	require.Len(t, rows, 1)

	got := make(map[string]string)
	for i, text := range texts(rows[0].Body) {
		got[source.BodyColumns()[i]] = text
	}
	require.Equal(t, map[string]string{
		"Id": "18446744073709551615", "number": "-1", "z": "000042", "dz": "000007.50", "de": "1.5000", "f": "1.23457", "d": "1e100",
		"b": "5", "y": "0000", "v": `é "x"`, "bi": "YQAA", "bl": "AP8=", "g": "NULL",
		"da": "2023-00-00", "dt": "2026-11-22 10:00:01.500", "ti": "-12:00:01", "ts": "2026-11-22 10:00:01.50",
		"zero": "0000-00-00 00:00:00", "zts": "0000-00-00 00:00:00",
		"j": `{"b": 1,"a":2}`, "e": "y", "s": "p,q", "n": "NULL", "empty": "", "gen": "0",
	}, got)
	require.Equal(t, "Id", source.ScanKey())

	bare, err := source.Lookup(t.Context(), []string{"18446744073709551615", "3"}, false)
	require.NoError(t, err)
	require.Len(t, bare, 1)
	require.Nil(t, bare[0].Body)
}

// TestServerInAnotherZone: the server's sessions are at +08:00, this process
// and its own sessions in UTC.
func TestServerInAnotherZone(t *testing.T) {
	t.Parallel()
	server := mysqltest.Start(t, mysqltest.Options{TimeZone: "+08:00"})
	setup := func(t *testing.T, updateType string) *pair {
		t.Helper()
		p := updated(t, server, updateType, "PRIMARY KEY (id)")
		p.source.Exec(t, "INSERT INTO t (id, number, u) VALUES (1, 1, '2026-11-22 10:00:05')") // on the server's wall clock
		p.destination.Exec(t, "ALTER TABLE t ADD u DATETIME; INSERT INTO t VALUES (1, '2026-11-22 10:00:05')")
		p.columns("u")
		return p
	}
	for name, c := range map[string]struct{ updateType, offset string }{
		"datetime":  {"DATETIME", "+08:00"},
		"timestamp": {"TIMESTAMP NULL", "Z"},
	} {
		t.Run(name, func(t *testing.T) {
			p := setup(t, c.updateType)
			plan := p.plan(t)
			source := plan.Source
			require.Empty(t, compare(t, plan)[0])

			now, zone, err := source.Clock(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.offset, now.In(zone).Format("Z07:00"))
			top, _, err := source.UpdateTop(t.Context())
			require.NoError(t, err)
			require.True(t, top.Equal(at(t, "2026-11-22T02:00:05Z")))

			r := job.Range{Scan: job.Update, After: job.TimePoint(at(t, "2026-11-22T02:00:04Z").In(zone)), UpTo: job.TimePoint(at(t, "2026-11-22T02:00:05Z").In(zone))}
			require.Equal(t, []string{"1"}, pages(t, source, r, 10))

			require.Equal(t, "2026-11-22 10:00:05", bodyUpdate(t, p), "as the server's own clients see it")
		})
	}
	t.Run("the DSN says the zone", func(t *testing.T) {
		p := setup(t, "TIMESTAMP NULL")
		for parameter, want := range map[string]string{
			"time_zone=%27-05%3A00%27":   "2026-11-21 21:00:05",
			"time_zone='Asia%2FTokyo'":   "2026-11-22 11:00:05",
			"loc=Europe%2FBerlin":        "2026-11-22 03:00:05",
			"loc=UTC&parseTime=true":     "2026-11-22 02:00:05",
			"time_zone=SYSTEM":           "2026-11-22 10:00:05",
			"sql_mode=ANSI&charset=utf8": "2026-11-22 10:00:05",
		} {
			dsn := p.source.DSN + "&" + parameter
			p.job.Source.DSN = job.NewSecret(dsn)
			require.Equal(t, want, bodyUpdate(t, p), parameter)
		}
	})
}

// bodyUpdate is the update column of row 1 in a body.
func bodyUpdate(t *testing.T, p *pair) string {
	t.Helper()
	rows, err := p.plan(t).Source.Lookup(t.Context(), []string{"1"}, true)
	require.NoError(t, err)
	return string(rows[0].Body[3])
}
