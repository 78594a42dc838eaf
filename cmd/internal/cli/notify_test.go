package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// alerting is a config whose alerts section is given.
func alerting(t *testing.T, alerts string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cupid.yaml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `
alerts: %s
jobs:
  - source: {dsn: "u:p@tcp(127.0.0.1:1)/db", table: user, byColumn: number}
    destinations: [{dsn: "u:p@tcp(127.0.0.1:1)/db2", columns: [number], callback: off}]
`, alerts), 0o600))
	return path
}

func TestNotifyTestTriesEveryChannel(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	well := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	t.Cleanup(well.Close)
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(ill.Close)

	code, out, console := call(t, "notify", "test", "-c", alerting(t, fmt.Sprintf(
		`{urls: ["generic+%s/a?token=geheim", "generic+%s/b?token=geheim"], serverChan: {sendKey: geheim, baseURL: %q}}`, well.URL, ill.URL, well.URL)))
	require.Equal(t, exitFailure, code)
	require.Equal(t, "alerts.urls[0] (generic): sent\nalerts.urls[1] (generic): it answered 403\nalerts.serverChan (serverChan): sent\n", out)
	require.Empty(t, console)
	require.ElementsMatch(t, []string{"/a", "/geheim.send"}, []string{<-asked, <-asked})

	code, out, console = call(t, "notify", "test", "-c", alerting(t, fmt.Sprintf(`{urls: "generic+%s/c"}`, well.URL)))
	require.Equal(t, exitOK, code, out+console)
	require.Equal(t, "alerts.urls[0] (generic): sent\n", out)
}

func TestNotifyTestMistakes(t *testing.T) {
	t.Parallel()
	for alerts, want := range map[string]string{
		"{repeat: 5m}":            "names no channel: set alerts.urls",
		`{urls: "slak://geheim"}`: "alerts.urls: found a URL at place 0 that cannot be used: no service of shoutrrr begins so",
	} {
		code, out, console := call(t, "notify", "test", "-c", alerting(t, alerts))
		require.Equal(t, exitMistake, code)
		require.Empty(t, out)
		require.Contains(t, console, want)
		require.NotContains(t, console, "geheim")
	}
	code, _, console := call(t, "notify", "test")
	require.Equal(t, exitMistake, code)
	require.Contains(t, console, "-c FILE is missing")
}
