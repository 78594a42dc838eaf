package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShellsCompleteWhatTheConfigHolds(t *testing.T) {
	t.Parallel()
	path, _, _ := onRedis(t)
	for line, want := range map[string]string{
		"-c FILE pause ":                    "users",
		"-c FILE resume ":                   "users",
		"row -c FILE ":                      "users",
		"row -c FILE users ":                "",
		"-c FILE row users 7 --destination": "--destination",
		"-c FILE row --destination ":        "far",
		"-c FILE rescan --job ":             "users",
		"-c FILE queue ls --queue ":         "due leased confirm verify retry slow parked",
		"-c FILE queue retry --job ":        "users",
		"-c FILE status ":                   "",
		"pause ":                            "", // no config is named yet
		"-c /nowhere.yaml pause ":           "",
	} {
		args := strings.Split(strings.ReplaceAll(line, "FILE", path), " ")
		code, out, console := call(t, append([]string{"__complete"}, args...)...)
		require.Equal(t, 0, code, console)
		var names []string
		for completion := range strings.SplitSeq(out, "\n") {
			name, _, _ := strings.Cut(completion, "\t")
			if name != "" && !strings.HasPrefix(name, ":") {
				names = append(names, name)
			}
		}
		require.Equal(t, want, strings.Join(names, " "), line)
	}
	_, out, _ := call(t, "__complete", "-c", "")
	require.Contains(t, out, "yaml\n", "files of these kinds")
	code, out, _ := call(t, "completion", "bash")
	require.Zero(t, code)
	require.Contains(t, out, "bash completion")
}
