package callback_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// TestAClosedConnectionCostsNoAttempt: a receiver that restarts between two POSTs has closed the connection of the first.
func TestAClosedConnectionCostsNoAttempt(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		var came atomic.Int64
		s := start(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came.Add(1) }))
		t.Cleanup(s.Close)
		roots := x509.NewCertPool()
		if s.Certificate() != nil {
			roots.AddCert(s.Certificate())
		}
		e := endpoint(t, job.Callback{URL: s.URL, Connect: job.Connect{Roots: roots}})
		for n := range int64(5) {
			a := e.Send(t.Context(), delivery)
			require.Equal(t, job.Delivered, a.Outcome, "%s: %s", name, a.Detail)
			require.Equal(t, n+1, came.Load(), "each came once")
			s.CloseClientConnections()
			time.Sleep(20 * time.Millisecond) // until the end of it has come
		}
	}
}

// TestIdleConnectionsAreClosed before a receiver does it.
func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	states := make(chan http.ConnState, 100)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	s.Start()
	t.Cleanup(s.Close)
	e := endpoint(t, job.Callback{URL: s.URL, Concurrency: 2})
	require.Equal(t, job.Delivered, e.Send(t.Context(), delivery).Outcome)
	began := time.Now()
	for state := range states {
		if state == http.StateClosed {
			break
		}
	}
	require.Greater(t, time.Since(began), 3*time.Second)
	require.Equal(t, job.Delivered, e.Send(t.Context(), delivery).Outcome, "it connects anew")
}

func TestInterimAnswersAreNoAnswers(t *testing.T) {
	t.Parallel()
	interim := "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
	for n, want := range map[int]string{1: "http_200", 5: "http_200", 6: "cut", 1000: "cut"} {
		e := endpoint(t, job.Callback{URL: rawReceiver(t, func(c net.Conn) {
			_, _ = io.WriteString(c, strings.Repeat(interim, n)+"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		})})
		a := e.Send(t.Context(), delivery)
		require.Equal(t, want, a.Code, "%d: %s", n, a.Detail)
	}
}

// TestAnAnswerBeforeTheWholeRow: a receiver that wants no large rows says so without reading them.
func TestAnAnswerBeforeTheWholeRow(t *testing.T) {
	t.Parallel()
	large := delivery
	large.Values = [][]byte{[]byte("7"), []byte(strings.Repeat("x", 8<<20)), nil}
	for name, end := range map[string]func(net.Conn){
		"reads no more":  func(c net.Conn) { time.Sleep(2 * time.Second); _ = c.Close() },
		"reads the rest": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	} {
		e := endpoint(t, job.Callback{Timeout: time.Second, URL: rawReceiver(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			end(c)
		})})
		a := e.Send(t.Context(), large)
		require.Equal(t, "http_413", a.Code, "%s: %s", name, a.Detail)
		require.Equal(t, job.Failed, a.Outcome)
	}
}

// TestNothingIsSentAfterAStop, not even on a connection that is there.
func TestNothingIsSentAfterAStop(t *testing.T) {
	t.Parallel()
	var came atomic.Int64
	s := receiver(t, func(http.ResponseWriter, *http.Request) { came.Add(1) })
	e := endpoint(t, job.Callback{URL: s.URL})
	require.Equal(t, job.Delivered, e.Send(t.Context(), delivery).Outcome)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	a := e.Send(ctx, delivery)
	require.Equal(t, "stopped", a.Code)
	require.Equal(t, job.NotSent, a.Outcome)
	require.EqualValues(t, 1, came.Load())
}

// TestNoHeaderIsSmuggledIn by a webhook id that somebody wrote into Redis.
// TestAStopEndsNobodyElsesPOST: connections outlive the context of the POST that made them.
func TestAStopEndsNobodyElsesPOST(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Millisecond) }))
	t.Cleanup(s.Close)
	e := endpoint(t, job.Callback{URL: s.URL, Concurrency: 4})
	for range 200 {
		first, stop := context.WithCancel(t.Context())
		require.Equal(t, job.Delivered, e.Send(first, delivery).Outcome)
		require.Equal(t, job.Delivered, e.Send(first, delivery).Outcome)
		go stop()
		a := e.Send(t.Context(), delivery)
		require.Equal(t, job.Delivered, a.Outcome, a.Detail)
		stop()
		require.Equal(t, "stopped", e.Send(first, delivery).Code)
	}
}

func TestNoHeaderIsSmuggledIn(t *testing.T) {
	t.Parallel()
	s := receiver(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for _, id := range []string{"a\r\nX-Admin: 1", "a\n", "\x00", "a\x7f"} {
		r := delivery
		r.WebhookID = id
		a := endpoint(t, job.Callback{URL: s.URL}).Send(t.Context(), r)
		require.Equal(t, "request", a.Code)
		require.Equal(t, job.NotSent, a.Outcome)
	}
}

// TestNamesOfOtherScripts are written as DNS and receivers know them.
func TestNamesOfOtherScripts(t *testing.T) {
	t.Parallel()
	var host string
	proxy := receiver(t, func(_ http.ResponseWriter, r *http.Request) { host = r.Host })
	a := endpoint(t, job.Callback{URL: "http://bücher.example:81/x", Connect: job.Connect{Proxy: job.NewSecret(proxy.URL)}}).Send(t.Context(), delivery)
	require.Equal(t, "http_200", a.Code)
	require.Equal(t, "xn--bcher-kva.example:81", host)
}

// TestTunnels to a receiver with TLS, through proxies of all kinds.
func TestTunnels(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			t.Error("the receiver is shown the proxy's password")
		}
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:geheim"))
	connect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != want {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect || r.Host != s.Listener.Addr().String() {
			t.Errorf("%s %s", r.Method, r.Host)
		}
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		pass(t, client, r.Host)
	})
	plain, secure := httptest.NewServer(connect), httptest.NewTLSServer(connect)
	t.Cleanup(func() { plain.Close(); secure.Close() })
	roots.AddCert(secure.Certificate())
	socks := socks5(t)

	for proxy, code := range map[string]string{
		strings.Replace(plain.URL, "//", "//me:geheim@", 1):  "http_200",
		strings.Replace(secure.URL, "//", "//me:geheim@", 1): "http_200",
		plain.URL:                      "connect",
		"socks5://me:geheim@" + socks:  "http_200",
		"socks5h://me:geheim@" + socks: "http_200",
		"socks5://me:other@" + socks:   "connect",
	} {
		e := endpoint(t, job.Callback{URL: s.URL, Concurrency: 1, Connect: job.Connect{Proxy: job.NewSecret(proxy), Roots: roots}})
		for range 2 { // the second on the same tunnel
			a := e.Send(t.Context(), delivery)
			require.Equal(t, code, a.Code, "%s: %s", proxy, a.Detail)
			require.NotContains(t, a.Detail, "geheim")
			if code == "connect" {
				require.Equal(t, job.NotSent, a.Outcome)
			}
			if proxy == plain.URL {
				require.Contains(t, a.Detail, "the proxy answered 407")
			}
		}
		e.Close()
	}
}

// pass copies both ways between a client and an address.
func pass(t *testing.T, client net.Conn, to string) {
	t.Helper()
	far, err := net.Dial("tcp", to)
	if err != nil {
		t.Error(err)
		return
	}
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(far, client); _ = far.Close(); done <- struct{}{} }()
	go func() { _, _ = io.Copy(client, far); _ = client.Close(); done <- struct{}{} }()
	t.Cleanup(func() { _ = client.Close(); _ = far.Close(); <-done; <-done })
}

// socks5 is a proxy after RFC 1928 that asks for a password after RFC 1929.
func socks5(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(c)
			read := func(n int) []byte {
				b := make([]byte, n)
				_, _ = io.ReadFull(in, b)
				return b
			}
			text := func() string { return string(read(int(read(1)[0]))) }
			read(1)
			text() // the methods
			_, _ = c.Write([]byte{5, 2})
			read(1)
			if text() != "me" || text() != "geheim" {
				_, _ = c.Write([]byte{1, 1})
				_ = c.Close()
				continue
			}
			_, _ = c.Write([]byte{1, 0})
			to := read(4 + 4 + 2) // an IPv4 address
			_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
			pass(t, c, fmt.Sprintf("%d.%d.%d.%d:%d", to[4], to[5], to[6], to[7], int(to[8])<<8|int(to[9])))
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l.Addr().String()
}
