package callback_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestWhatIsShownToAReceiver(t *testing.T) {
	t.Parallel()
	var got http.Header
	var user, password string
	s := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r.Header
		user, password, _ = r.BasicAuth()
	})
	send := func(c job.Connect) job.Answer {
		return endpoint(t, job.Callback{URL: s.URL, Connect: c}).Send(t.Context(), delivery)
	}
	require.Equal(t, job.Delivered, send(job.Connect{
		Headers: []job.Header{{Name: "x-team", Value: job.NewSecret("data")}, {Name: "User-Agent", Value: job.NewSecret("other")}}, Bearer: job.NewSecret("t0ken"),
	}).Outcome)
	require.Equal(t, "data", got.Get("X-Team"))
	require.Equal(t, "Bearer t0ken", got.Get("Authorization"))
	require.Equal(t, "cupid", got.Get("User-Agent"))
	require.Equal(t, job.Delivered, send(job.Connect{Username: "u", Password: job.NewSecret("p")}).Outcome)
	require.Equal(t, []string{"u", "p"}, []string{user, password})
}

// TestOwnAuthorityAndClientCertificate: the receiver is believed by its own
// authority, and asks for a certificate.
func TestOwnAuthorityAndClientCertificate(t *testing.T) {
	t.Parallel()
	var peers int
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { peers = len(r.TLS.PeerCertificates) }))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	certificate := s.TLS.Certificates[0]
	for name, c := range map[string]struct {
		connect job.Connect
		code    string
	}{
		"both":           {job.Connect{Roots: roots, Certificate: &certificate}, "http_200"},
		"no authority":   {job.Connect{Certificate: &certificate}, "tls"},
		"no certificate": {job.Connect{Roots: roots}, "cut"}, // with TLS 1.3 the refusal comes behind the handshake
	} {
		a := endpoint(t, job.Callback{URL: s.URL, Connect: c.connect}).Send(t.Context(), delivery)
		require.Equal(t, c.code, a.Code, name)
	}
	require.Equal(t, 1, peers)
}

func TestProxies(t *testing.T) {
	t.Parallel()
	s := receiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	var asked *url.URL
	proxy := receiver(t, func(_ http.ResponseWriter, r *http.Request) { asked = r.URL })
	a := endpoint(t, job.Callback{URL: "http://receiver.example/cb", Connect: job.Connect{Proxy: job.NewSecret(proxy.URL)}}).Send(t.Context(), delivery)
	require.Equal(t, "http_200", a.Code)
	require.Equal(t, "http://receiver.example/cb", asked.String())
	a = endpoint(t, job.Callback{URL: s.URL, Connect: job.Connect{Proxy: job.NewSecret(callback.NoProxy)}}).Send(t.Context(), delivery)
	require.Equal(t, "http_418", a.Code)
	_, err := callback.New(job.Callback{URL: s.URL, Connect: job.Connect{Proxy: job.NewSecret("http://u:geheim@")}})
	require.ErrorContains(t, err, "callback proxy cannot be understood")
	require.NotContains(t, err.Error(), "geheim")
}

// TestForbiddenAddresses are met when they are dialed, whatever name leads there.
func TestForbiddenAddresses(t *testing.T) {
	t.Parallel()
	s := receiver(t, func(http.ResponseWriter, *http.Request) {})
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	ten := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for address, c := range map[string]struct {
		networks []netip.Prefix
		code     string
	}{
		"127.0.0.1:" + port:            {nil, "http_200"},
		"localhost:" + port:            {loopback, "http_200"},
		"[::ffff:127.0.0.1]:" + port:   {loopback, "http_200"},
		"localhost:" + port + "/x":     {ten, "forbidden"},
		"169.254.169.254":              {nil, "forbidden"},
		"[fe80::1%25lo]:80":            {nil, "forbidden"},
		"[fd00:ec2::254]":              {nil, "forbidden"},
		"100.100.100.200":              {ten, "forbidden"},
		"[::ffff:169.254.169.254]":     {[]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, "forbidden"},
		"[::ffff:168.63.129.16]":       {nil, "forbidden"},
		"[fd00:ec2::23]":               {nil, "forbidden"},
		"[fd20:ce::254]":               {nil, "forbidden"},
		"[64:ff9b::169.254.169.254]":   {nil, "forbidden"}, // a translator calls the IPv4 address in it
		"[64:ff9b:1::169.254.169.254]": {nil, "forbidden"},
		"[2002:a9fe:a9fe::1]":          {nil, "forbidden"}, // 6to4
		"[::169.254.169.254]":          {nil, "forbidden"},
		"192.0.0.192":                  {nil, "forbidden"},
		"[64:ff9b::100.100.100.200]":   {[]netip.Prefix{netip.MustParsePrefix("64:ff9b::/96")}, "forbidden"},
	} {
		a := endpoint(t, job.Callback{URL: "http://" + address, Connect: job.Connect{Networks: c.networks, Proxy: job.NewSecret(callback.NoProxy)}}).Send(t.Context(), delivery)
		require.Equal(t, c.code, a.Code, "%s: %s", address, a.Detail)
		if c.code == "forbidden" {
			require.Equal(t, job.NotSent, a.Outcome)
		}
	}
}
