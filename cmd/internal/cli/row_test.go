package cli

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARowIsShownAsEachSideHoldsIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, false)
	b.fill(t, false)
	b.damage(t)
	b.source.Exec(t, "UPDATE user SET name = 'a\nb ' WHERE id = 9; DELETE FROM user WHERE id = 12")
	text, err := os.ReadFile(b.config)
	require.NoError(t, err)
	columns := regexp.MustCompile(`columns: \[(.*)\]`)
	list := strings.ReplaceAll(columns.FindStringSubmatch(string(text))[1], ",", ": ,")
	list = strings.ReplaceAll(strings.ReplaceAll(list+": ", ": ", ": {}"), "ratio: {}", "ratio: {tolerance: 100}")
	require.NoError(t, os.WriteFile(b.config, columns.ReplaceAll(text, []byte("columns: {"+list+"}")), 0o600))
	for name, c := range map[string]struct {
		args []string
		code int
		want []string // lines, as regular expressions
	}{
		"equal":              {[]string{"18"}, 0, []string{`^job users, destination far: EQUAL$`, `^ +COLUMN +SOURCE +DESTINATION$`, `^ +number +"n0000006" +"n0000006"$`}},
		"missing":            {[]string{"3"}, 1, []string{`: MISSING: the destination lacks it$`, `^ +number +"n0000001" +-$`}},
		"different":          {[]string{"9"}, 1, []string{`: DIFFERENT$`, `^ ≠ +name +"a\\nb " +"it's `, `^ ≠ +avatar +0x\w+ +0x00ff27$`, `^ ≠ +balance +"0.43" +"1.50"$`, `^ {4}day +"`}},
		"null":               {[]string{"60"}, 1, []string{`^ ≠ +balance +NULL +"0.00"$`}},
		"rekeyed":            {[]string{"90"}, 1, []string{`: RESPELLED: the destination has it under`, `^ ≠ +number +"n0000030" +"N0000030"$`}},
		"equal by an option": {[]string{"15"}, 1, []string{`: DIFFERENT$`, `^ ~ +ratio +"1.66\d+" +"9"$`, `^ ≠ +flags +"5" +"3"$`}},
		"gone":               {[]string{"12"}, 1, []string{`: ABSENT: the source has no row with this scan key; .*--by-column`}},
		"extra":              {[]string{"n0000004", "--by-column"}, 1, []string{`: EXTRA: the source lacks it$`, `^ +number +- +"n0000004"$`}},
		"by column":          {[]string{"n0000002", "--by-column"}, 1, []string{`: DIFFERENT$`, `^ ≠ +name +"it.* +"x"$`}},
		"nowhere":            {[]string{"n9999999", "--by-column"}, 1, []string{`: ABSENT: neither side has it$`}},
		"no number":          {[]string{"n0000002"}, 2, []string{`the scan key id is a whole number`}},
		"no such":            {[]string{"3", "--destination", "near"}, 2, []string{`no job "users" with a destination "near"; there are: users → far`}},
		"too many":           {[]string{"3", "4"}, 2, []string{`2 key values, want 1`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, console := call(t, append([]string{"-c", b.config, "row", "users"}, c.args...)...)
			require.Equal(t, c.code, code, out+console)
			for _, line := range c.want {
				require.Regexp(t, "(?m)"+line, out+console)
			}
		})
	}
	code, out, _ := call(t, "-c", b.config, "row", "users", "9", "--json")
	require.Equal(t, 1, code)
	var reports []struct {
		Verdict string
		Columns []struct {
			Source       string
			Differs      bool
			Sources      []any `json:"source_values"`
			Destinations []any `json:"destination_values"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &reports))
	require.Equal(t, "different", reports[0].Verdict)
	for _, column := range reports[0].Columns {
		switch column.Source {
		case "name":
			require.Equal(t, []any{"a\nb "}, column.Sources)
			require.True(t, column.Differs)
		case "avatar":
			require.Equal(t, []any{map[string]any{"hex": "00ff27"}}, column.Destinations)
		case "day":
			require.False(t, column.Differs)
			require.Equal(t, column.Sources, column.Destinations)
		}
	}
}

func TestRowsThatShareAKeyAreAllShown(t *testing.T) {
	t.Parallel()
	b := newBench(t, false)
	b.destination.Exec(t, "ALTER TABLE user DROP INDEX number, ADD INDEX (number)")
	b.source.Exec(t, "ALTER TABLE user DROP INDEX number, ADD INDEX (number)")
	b.source.Exec(t, "INSERT INTO user (id, number, name) VALUES (1, 'one', 'here'), (2, 'two', 'here'), (3, 'two', 'here too'), (4, NULL, 'keyless')")
	b.destination.Exec(t, "INSERT INTO user (number, name) VALUES ('one', 'there'), ('one', 'again'), ('two', 'here'), ('', 'nobody')")
	for key, want := range map[string]string{
		"1":                 `(?s): SEVERAL: a side has .*COLUMN +SOURCE +DESTINATION 1 +DESTINATION 2\n.* name +"here" +"(there|again)" +"(there|again)"\n`,
		"3":                 `(?s): SEVERAL: .* name +"here too" +"here"\n`, // the destination's may be that of row 2
		"4":                 `(?s): MISSING: .* number +NULL +-\n`,
		"two --by-column":   `(?s): SEVERAL: .*SOURCE 1 +SOURCE 2 +DESTINATION\n`,
		"one x --by-column": `2 key values, want 1: with --by-column one for each of number, else the scan key`,
	} {
		_, out, console := call(t, append([]string{"-c", b.config, "row", "users"}, strings.Fields(key)...)...)
		require.Regexp(t, want, out+console)
	}
}

func TestARowOfADatabaseThatIsDownIsSaidToBeNotRead(t *testing.T) {
	t.Parallel()
	path, _, _ := onRedis(t)
	code, out, _ := call(t, "-c", path, "row", "users", "7")
	require.Equal(t, 2, code)
	require.True(t, strings.HasPrefix(out, "job users, destination far: NOT READ: "), out)
	require.Contains(t, out, "127.0.0.1:1")
}
