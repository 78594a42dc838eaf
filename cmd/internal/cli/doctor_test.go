package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
)

func TestTheDoctorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	code, out, _ := call(t, "doctor", "-c", b.config)
	require.Equal(t, 0, code, out)
	require.Regexp(t, `(?m)^OK           database \S+: version \S+ answers 'cupid'@'%'$`, out)
	require.Regexp(t, `\n0 problem\(s\), 0 warning\(s\), 0 not checked, \d+ fine\n$`, out)

	b.destination.Exec(t, "ALTER TABLE user MODIFY name VARCHAR(64) CHARACTER SET latin1 NOT NULL")
	code, out, _ = call(t, "doctor", "-c", b.config)
	require.Equal(t, 0, code, "a warning is no failure")
	require.Regexp(t, "(?m)^WARNING      job users: destination far .* latin1 lacks .*\n {11}  -> .*ALTER TABLE .* MODIFY `name` varchar\\(64\\) CHARACTER SET utf8mb4 NOT NULL", out)

	b.destination.Exec(t, "ALTER TABLE user DROP INDEX number")
	code, out, _ = call(t, "doctor", "-c", b.config, "--json")
	require.Equal(t, 1, code)
	var findings []app.Finding
	require.NoError(t, json.Unmarshal([]byte(out), &findings))
	var mends []string
	for _, f := range findings {
		if f.Level == app.FoundProblem {
			mends = append(mends, f.Mend)
		}
	}
	require.Len(t, mends, 1)
	b.destination.Exec(t, mends[0])
	code, _, _ = call(t, "doctor", "-c", b.config, "--json")
	require.Equal(t, 0, code)
}

func TestTheDoctorEndsWithTheCodeOfAMistake(t *testing.T) {
	t.Parallel()
	b := newBench(t, true)
	text, err := os.ReadFile(b.config)
	require.NoError(t, err)
	broken := strings.Replace(string(text), "jobs:", "jobs:\n  - {name: bad, source: {table: t}}", 1)
	require.NoError(t, os.WriteFile(b.config, []byte(broken), 0o600))
	code, out, _ := call(t, "doctor", "-c", b.config)
	require.Equal(t, 2, code, out)
	require.Regexp(t, `(?m)^PROBLEM      job bad: jobs\[0\]`, out)
	require.Contains(t, out, "OK           job users: source ", "the good job is looked at")

	require.NoError(t, os.WriteFile(b.config, []byte("jobs: 3"), 0o600))
	code, _, console := call(t, "doctor", "-c", b.config)
	require.Equal(t, 2, code)
	require.Contains(t, console, "jobs")
}
