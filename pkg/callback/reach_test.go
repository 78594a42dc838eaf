package callback_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestReachConnectsAndSendsNothing(t *testing.T) {
	t.Parallel()
	called := make(chan string, 10)
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called <- r.URL.Path })
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(func() { plain.Close(); secure.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes the connection, and never shakes hands
	require.NoError(t, err)
	defer mute.Close()

	for url, want := range map[string]string{
		plain.URL + "/hook":                         "",
		secure.URL + "/hook":                        "certificate",
		"http://u:s3cr3t@" + closed.Addr().String(): "refused",
		"https://" + mute.Addr().String():           "TLS:",
	} {
		timeout := time.Minute
		if want == "TLS:" {
			timeout = 300 * time.Millisecond
		}
		e, err := callback.New(job.Callback{URL: url, Timeout: timeout})
		require.NoError(t, err)
		t.Cleanup(e.Close)
		proxy, err := e.Reach(t.Context())
		require.Empty(t, proxy)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "s3cr3t")
	}
	require.Empty(t, called)
}
