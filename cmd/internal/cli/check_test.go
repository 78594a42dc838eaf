package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// bench is two databases on a server and a config that compares them.
type bench struct {
	source, destination *mysqltest.Database
	config              string
}

// The source's columns of many types; the destination has the same, or keys of
// its own.
const columns = `
	number VARCHAR(32) %s, name VARCHAR(64) NOT NULL, avatar VARBINARY(64) NULL, balance DECIMAL(12,2) NULL,
	ratio FLOAT NULL, flags BIT(9) NULL, kind ENUM('a','b') NULL, tags SET('x','y') NULL, day DATE NULL,
	at TIMESTAMP NULL, noon TIME(3) NULL`

func newBench(t *testing.T, aligned bool) *bench {
	t.Helper()
	server := mysqltest.Shared(t)
	b := &bench{source: server.Database(t), destination: server.Database(t)}
	mapped := strings.Fields("number name avatar balance ratio flags kind tags day at noon")
	own := "own_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY"
	if aligned {
		own = "id BIGINT UNSIGNED NOT NULL PRIMARY KEY"
		mapped = append([]string{"id"}, mapped...)
	}
	b.source.Exec(t, "CREATE TABLE user (id BIGINT UNSIGNED NOT NULL PRIMARY KEY,"+strings.Replace(columns, "%s", "NULL", 1)+", UNIQUE KEY (number))")
	b.destination.Exec(t, "CREATE TABLE user ("+own+","+strings.Replace(columns, "%s", "NULL", 1)+", UNIQUE KEY (number))")
	b.config = filepath.Join(t.TempDir(), "cupid.yaml")
	text := `
jobs:
  - name: users
    confirmDelay: 10ms
    source: {dsn: "` + b.source.DSN + `", table: user, byColumn: number}
    destinations:
      - {name: far, dsn: "` + b.destination.DSN + `", table: user, columns: [` + strings.Join(mapped, ", ") + `], callback: {off: true}}
`
	require.NoError(t, os.WriteFile(b.config, []byte(text), 0o600))
	return b
}

// fill gives both sides the same n rows, the destination's in another order.
func (b *bench) fill(t *testing.T, aligned bool) {
	t.Helper()
	const list = "number, name, avatar, balance, ratio, flags, kind, tags, day, at, noon"
	b.source.Exec(t, `INSERT INTO user (id, `+list+`)
		SELECT seq * 3, CONCAT('n', LPAD(seq, 7, '0')), CONCAT('it''s \\ "', seq, '"\n', IF(seq % 7, '', _utf8mb4 x'F09F9880')), UNHEX(SHA1(seq)), seq / 7, seq / 3, seq % 512,
			IF(seq % 2, 'a', 'b'), IF(seq % 3, 'x,y', ''), '2024-02-29' + INTERVAL seq DAY, '2024-03-01 12:00:00' + INTERVAL seq MINUTE, SEC_TO_TIME(seq + 0.25)
		FROM seq_1_to_3000;
		UPDATE user SET avatar = NULL, balance = NULL, ratio = NULL, flags = NULL, kind = NULL, tags = NULL, day = NULL, at = NULL, noon = NULL WHERE id % 10 = 0;
		UPDATE user SET avatar = '' WHERE id % 11 = 0`)
	if aligned {
		list := "id, " + list
		b.destination.Exec(t, "INSERT INTO user ("+list+") SELECT "+list+" FROM "+b.source.Name+".user")
		return
	}
	b.destination.Exec(t, "INSERT INTO user ("+list+") SELECT "+list+" FROM "+b.source.Name+".user ORDER BY name DESC")
}

// damage changes rows of every type; it gives the differing numbers.
func (b *bench) damage(t *testing.T) {
	t.Helper()
	b.destination.Exec(t, `
		DELETE FROM user WHERE number IN ('n0000001', 'n0000700', 'n0002999', 'n0000010');
		UPDATE user SET name = 'x' WHERE number = 'n0000002';
		UPDATE user SET avatar = X'00FF27', balance = 1.5 WHERE number = 'n0000003';
		UPDATE user SET ratio = 9, flags = 3, kind = 'b', tags = 'x' WHERE number = 'n0000005';
		UPDATE user SET day = '2020-01-01', at = '2020-01-01 00:00:00', noon = '01:02:03.5' WHERE number = 'n0000007';
		UPDATE user SET avatar = X'41', balance = 0 WHERE number = 'n0000020';
		UPDATE user SET number = 'N0000030' WHERE number = 'n0000030';
		UPDATE user SET name = 'same' WHERE number IN ('n0000100', 'n0000101')`)
}

// call runs the command line.
func call(t *testing.T, args ...string) (code int, out, console string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := program(app.Both)
	c.SetArgs(args)
	c.SetOut(&stdout)
	c.SetErr(&stderr)
	code = Execute(t.Context(), c, &stderr)
	require.NotContains(t, stdout.String()+stderr.String(), mysqltest.Password)
	return code, stdout.String(), stderr.String()
}

func TestCheckFindsTheDamageAndTheFixMendsIt(t *testing.T) {
	t.Parallel()
	for name, aligned := range map[string]bool{"range checksum": true, "keyed buckets": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, aligned)
			b.fill(t, aligned)
			code, out, console := call(t, "check", "-c", b.config)
			require.Equal(t, 0, code, out+console)
			require.Contains(t, out, "EQUAL")
			require.Contains(t, out, name)

			b.damage(t)
			extra := "INSERT INTO user (number, name) VALUES ('n9', 'extra')"
			if aligned {
				extra = "INSERT INTO user (id, number, name) VALUES (4, 'n8', 'in a hole'), (90000, 'n9', 'behind the end')"
			}
			b.destination.Exec(t, extra)
			fix := filepath.Join(t.TempDir(), "fix.sql")
			code, out, console = call(t, "check", "-c", b.config, "--format", "json", "--fix-sql", fix, "--checksum", "strong")
			require.Equal(t, 1, code, out+console)
			var reports []app.CheckReport
			require.NoError(t, json.Unmarshal([]byte(out), &reports))
			require.Len(t, reports, 1)
			r := reports[0]
			require.Equal(t, name, r.Strategy)
			require.EqualValues(t, 3000, r.SourceRows)
			require.EqualValues(t, 4, r.Missing)
			require.EqualValues(t, 8, r.Different+r.Respelled)
			require.EqualValues(t, map[bool]int{true: 0, false: 1}[aligned], r.Respelled, "a key in another case")
			wantExtra := 1
			if aligned {
				wantExtra = 2
			}
			require.EqualValues(t, wantExtra, r.Extra)
			require.Len(t, r.Keys, 12+wantExtra)
			found := map[string]string{}
			for _, k := range r.Keys {
				found[k.Key] = k.String()
			}
			key := map[bool]string{true: "15", false: "n0000005"}[aligned]
			require.Equal(t, "different: flags, kind, ratio, tags", found[key])

			text, err := os.ReadFile(fix)
			require.NoError(t, err)
			b.destination.Exec(t, string(text))
			code, out, console = call(t, "check", "-c", b.config)
			require.Equal(t, 0, code, out+console+string(text))
		})
	}
}

func TestCheckOfAPartAndItsBounds(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	b.fill(t, true)
	b.destination.Exec(t, "DELETE FROM user WHERE id IN (3, 300, 9000)")
	for _, c := range []struct {
		code int
		args []string
		says string
	}{
		{1, []string{"--from", "3", "--to", "300"}, "2 rows that the destination lacks"},
		{0, []string{"--from", "4", "--to", "299"}, "EQUAL"},
		{1, []string{"--where", "id > 300"}, "1 rows that the destination lacks"},
		{0, []string{"--where", "number < 'n0000100' AND name <> '?' AND id > 3"}, "EQUAL"},
		{1, []string{"--where", "id <= 300", "--destination-where", ""}, "2899 rows that the source lacks"},
		{1, []string{"--limit", "1", "--no-confirm"}, "2 more keys"},
		{1, []string{"--max-differences", "1"}, "at the limit of differences"},
		{2, []string{"--max-time", "1ns"}, "NOT COMPARED TO THE END"},
		{2, []string{"--job", "nobody"}, `no job "nobody"`},
		{2, []string{"--destination", "nobody"}, "users → far"},
		{2, []string{"--format", "xml"}, "want table or json"},
		{2, []string{"--checksum", "md5"}, "want fast or strong"},
		{2, []string{"--from", "abc"}, "it needs an integer"},
		{2, []string{"--where", "nonsense = 1"}, "a column does not exist"},
		{2, []string{"--fix-sql", "/nowhere/at/all"}, "no such file or directory"},
	} {
		code, out, console := call(t, append([]string{"check", "-c", b.config}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s%s", c.args, out, console)
		require.Contains(t, out+console, c.says, "%v", c.args)
	}
}

func TestCheckSaysWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	b.destination.Exec(t, "DROP TABLE user")
	code, out, _ := call(t, "check", "-c", b.config)
	require.Equal(t, 2, code)
	require.Contains(t, out, "NOT COMPARED")
	require.Contains(t, out, "the table does not exist")
}

func TestCheckCountsRowsWithoutAKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, false)
	b.fill(t, false)
	b.source.Exec(t, "INSERT INTO user (id, name) VALUES (100001, 'a'), (100002, 'b')")
	code, out, console := call(t, "check", "-c", b.config)
	require.Equal(t, 1, code, console)
	require.Contains(t, out, "2 source rows with NULL")
}

// A check that is stopped by its time goes on with the next call, and the state
// is gone at the end.
func TestCheckGoesOnFromItsState(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	b.fill(t, true)
	b.destination.Exec(t, "DELETE FROM user WHERE id = 3")
	state := filepath.Join(t.TempDir(), "state.json")
	code, out, console := call(t, "check", "-c", b.config, "--state", state, "--max-time", "1ns")
	require.Equal(t, 2, code, out+console)
	require.FileExists(t, state)
	code, _, console = call(t, "check", "-c", b.config, "--state", state, "--where", "id > 1")
	require.Equal(t, 2, code)
	require.Contains(t, console, "of other tables or with other options")
	code, out, console = call(t, "check", "-c", b.config, "--state", state)
	require.Equal(t, 1, code, out+console)
	require.NoFileExists(t, state)
}

func TestCheckRefusesWhatItWouldOverwriteOrCannotMean(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	for name, c := range map[string]struct {
		args []string
		said string
	}{
		"another file":          {[]string{"--fix-sql", b.config}, "holds something else than the statements of an earlier check"},
		"bounds the wrong way":  {[]string{"--from", "5", "--to", "4"}, "no key lies from 5 to 4"},
		"no such column":        {[]string{"--where", "nosuch = 1"}, "the server does not understand the condition `where`"},
		"no such column, there": {[]string{"--destination-where", "nosuch = 1"}, "the server does not understand the condition `where`"},
	} {
		before, err := os.ReadFile(b.config)
		require.NoError(t, err)
		code, out, console := call(t, append([]string{"check", "-c", b.config}, c.args...)...)
		require.Equal(t, 2, code, name)
		require.Contains(t, out+console, c.said, name)
		after, err := os.ReadFile(b.config)
		require.NoError(t, err)
		require.Equal(t, before, after, name)
	}
	fix := filepath.Join(t.TempDir(), "fix.sql")
	for range 2 { // its own file is written anew
		code, out, console := call(t, "check", "-c", b.config, "--fix-sql", fix, "--from", "5", "--to", "5")
		require.Equal(t, 0, code, out+console)
	}
}

func TestCheckEndsWhenInterrupted(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stderr bytes.Buffer
	c := Command(app.Both)
	addCheck(c)
	c.SetArgs([]string{"check", "-c", b.config})
	c.SetErr(&stderr)
	require.Equal(t, 2, Execute(ctx, c, &stderr))
	require.Contains(t, stderr.String(), "interrupted")
}

func TestConfigCommands(t *testing.T) {
	t.Parallel()
	b := newBench(t, false)
	code, out, console := call(t, "config", "check", "-c", b.config)
	require.Equal(t, 0, code, console)
	require.Equal(t, "ok\n", out)

	code, out, console = call(t, "config", "explain", "-c", b.config)
	require.Equal(t, 0, code, console)
	for _, says := range []string{"scan key", "id, index PRIMARY", "number, index number", "keyed buckets", "keyed lookup"} {
		require.Contains(t, out, says)
	}

	wrong := filepath.Join(t.TempDir(), "wrong.yaml")
	require.NoError(t, os.WriteFile(wrong, []byte("jobs:\n  - sauce: {}\n"), 0o600))
	code, _, console = call(t, "config", "check", "-c", wrong)
	require.Equal(t, 2, code)
	require.Contains(t, console, "sauce")
}

func TestConfigConvertWarnsOfSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t, false)
	var out, console bytes.Buffer
	c := Command(app.Both)
	addConfig(c)
	addNotify(c)
	c.SetArgs([]string{"config", "convert", "-c", b.config})
	c.SetOut(&out)
	c.SetErr(&console)
	require.Equal(t, 0, Execute(t.Context(), c, &console))
	require.Contains(t, console.String(), "shows passwords")
	converted := filepath.Join(t.TempDir(), "converted.yaml")
	require.NoError(t, os.WriteFile(converted, out.Bytes(), 0o600))
	code, _, said := call(t, "config", "check", "-c", converted)
	require.Equal(t, 0, code, said)
}
