package broker

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The user that docs/redis.md proposes may run what the scripts run.
func TestTheDocumentedUserMayRunTheScripts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/redis.md")
	require.NoError(t, err)
	allowed := strings.Fields(regexp.MustCompile(`(?m)^ACL SETUSER cupid .*$`).FindString(string(text)))
	files, err := filepath.Glob("scripts/*.lua")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		script, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, call := range regexp.MustCompile(`redis\.p?call\('([A-Z]+)'`).FindAllStringSubmatch(string(script), -1) {
			require.Contains(t, allowed, "+"+strings.ToLower(call[1]), "%s: add the command to the user in docs/redis.md", file)
		}
	}
}
