package callback_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
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

// TestReachConnectsAsThePOSTsDo: with the authority, the certificate, the proxy and the networks of the config.
func TestReachConnectsAsThePOSTsDo(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12} // whose handshake tells of a refusal
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	certificate := s.TLS.Certificates[0]
	proxy := receiver(t, func(http.ResponseWriter, *http.Request) {})
	for name, c := range map[string]struct {
		connect job.Connect
		proxy   string
		want    string // a part of the error
	}{
		"authority and certificate": {job.Connect{Roots: roots, Certificate: &certificate}, "", ""},
		"no proxy":                  {job.Connect{Roots: roots, Certificate: &certificate, Proxy: job.NewSecret(callback.NoProxy)}, "", ""},
		"no certificate":            {job.Connect{Roots: roots}, "", "TLS:"},
		"no authority":              {job.Connect{Certificate: &certificate}, "", "certificate"},
		"proxy":                     {job.Connect{Proxy: job.NewSecret(proxy.URL)}, proxy.Listener.Addr().String(), ""},
		"networks":                  {job.Connect{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, "", "may not be connected to"},
	} {
		through, err := endpoint(t, job.Callback{URL: s.URL, Timeout: time.Minute, Connect: c.connect}).Reach(t.Context())
		require.Equal(t, c.proxy, through, name)
		if c.want == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, c.want, name)
		}
	}
}
