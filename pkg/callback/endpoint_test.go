package callback_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/callback"
	"github.com/masixun71/cupid-go/pkg/job"
)

// rowValue must appear in no error and no detail.
const rowValue = "13800138000"

var delivery = job.Delivery{
	Job:         "db.user",
	Destination: "db2.user",
	WebhookID:   "msg_1",
	Attempt:     2,
	Type:        job.Different,
	Columns:     []string{"id", "phone", "avatar"},
	Values:      [][]byte{[]byte("7"), []byte(rowValue), nil},
}

func endpoint(t *testing.T, c job.Callback) *callback.Endpoint {
	t.Helper()
	e, err := callback.New(c)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

func receiver(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// rawReceiver answers each connection below HTTP, after the request has arrived.
func rawReceiver(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 64<<10))
			answer(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func TestEveryStatusHasItsOutcome(t *testing.T) {
	t.Parallel()
	s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.URL.Path[1:])
		if err != nil {
			status = http.StatusBadRequest
		}
		w.Header().Set("Retry-After", "9")
		w.Header().Set("Location", "/200")
		w.WriteHeader(status)
		if status != http.StatusNoContent && status != http.StatusNotModified && status >= 200 {
			io.WriteString(w, "echo "+rowValue)
		}
	})
	for status := 200; status < 600; status++ {
		want := job.Failed
		switch {
		case status < 300:
			want = job.Delivered
		case status == http.StatusGone:
			want = job.Gone
		}
		e := endpoint(t, job.Callback{URL: fmt.Sprintf("%s/%d?token=geheim", s.URL, status)})
		a := e.Send(t.Context(), delivery)
		e.Close()
		require.Equal(t, want, a.Outcome, "status %d: %s", status, a.Detail)
		require.Equal(t, status, a.Status)
		require.Equal(t, fmt.Sprintf("http_%d", status), a.Code)
		require.NotContains(t, a.Detail, rowValue)
		require.NotContains(t, a.Detail, "geheim")
		require.Positive(t, a.Took)
		if want == job.Delivered {
			require.Zero(t, a.RetryAfter)
		} else {
			require.Equal(t, 9*time.Second, a.RetryAfter, "status %d", status)
		}
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	s := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	})
	e := endpoint(t, job.Callback{URL: strings.Replace(s.URL, "http://", "bob:p%40ss@", 1) + "/test/callback?token=x"})
	a := e.Send(t.Context(), delivery)
	require.Equal(t, job.Delivered, a.Outcome)
	require.Equal(t, "POST", got.Method)
	require.Equal(t, "/test/callback?token=x", got.URL.String())
	user, password, _ := got.BasicAuth()
	require.Equal(t, "bob p@ss", user+" "+password)
	for name, want := range map[string]string{
		"Content-Type":      "application/json",
		"User-Agent":        "cupid",
		"Cupid-Job":         "db.user",
		"Cupid-Destination": "db2.user",
		"Cupid-Attempt":     "2",
		"Webhook-Id":        "msg_1",
		"Webhook-Signature": "",
		"Content-Length":    fmt.Sprint(len(body)),
	} {
		require.Equal(t, want, got.Header.Get(name), name)
	}
	want := `{"type":2,"srcColumn":{"id":"7","phone":"` + rowValue + `","avatar":null}}`
	require.Equal(t, want, string(body))
	require.NotContains(t, a.Detail, "bob")
	require.NotContains(t, a.Detail, "token")
}

func TestSignatureIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	encoded := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	plain := "a plain secret, not base64"
	verify := make(chan error, 2)
	s := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		first, err := standardwebhooks.NewWebhook(encoded)
		if err == nil {
			err = first.Verify(body, r.Header)
		}
		verify <- err
		second, err := standardwebhooks.NewWebhookRaw([]byte(plain))
		if err == nil {
			err = second.Verify(body, r.Header)
		}
		verify <- err
	})
	e := endpoint(t, job.Callback{URL: s.URL, Secrets: []job.Secret{job.NewSecret(encoded), job.NewSecret(plain)}})
	require.Equal(t, job.Delivered, e.Send(t.Context(), delivery).Outcome)
	require.NoError(t, <-verify)
	require.NoError(t, <-verify)
}

// TestSignatureIsThatOfTheShellCommandOfTheDocs has each request's signature computed once more by openssl.
func TestSignatureIsThatOfTheShellCommandOfTheDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "callbacks.md"))
	require.NoError(t, err)
	command := regexp.MustCompile("(?s)```sh\n([^`]*openssl dgst[^`]*)```").FindSubmatch(page)
	require.NotNil(t, command)
	secrets := []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_b2xkIHNlY3JldA=="} // while one is changed for the other
	type request struct{ id, timestamp, signature, body string }
	came := make(chan request, 1)
	s := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- request{r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), r.Header.Get("Webhook-Signature"), string(body)}
	})
	for _, form := range []job.BodyForm{job.BodySeed, job.BodyRow, job.BodyExtended} {
		e := endpoint(t, job.Callback{URL: s.URL, Body: form, Secrets: []job.Secret{job.NewSecret(secrets[0]), job.NewSecret(secrets[1])}})
		r := delivery
		r.Values = [][]byte{[]byte("7"), []byte("it's 100% \"多平台\" \\n\n\xff"), nil}
		require.Equal(t, job.Delivered, e.Send(t.Context(), r).Outcome)
		got := <-came
		var want []string
		for _, secret := range secrets {
			shell := exec.CommandContext(t.Context(), "sh", "-c", string(command[1]))
			shell.Env = append(os.Environ(), "WEBHOOK_ID="+got.id, "WEBHOOK_TIMESTAMP="+got.timestamp, "BODY="+got.body, "WEBHOOK_SECRET="+secret)
			signature, err := shell.Output()
			require.NoError(t, err)
			want = append(want, "v1,"+strings.TrimSpace(string(signature)))
		}
		require.Equal(t, strings.Join(want, " "), got.signature, form)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		c    job.Callback
		want string
	}{
		"no url":       {job.Callback{}, "url is empty"},
		"other scheme": {job.Callback{URL: "ftp://host/"}, `scheme "ftp"`},
		"no host":      {job.Callback{URL: "http:///path"}, "cannot be understood"},
		"only a port":  {job.Callback{URL: ":8080/path"}, "cannot be understood"},
		"bad port":     {job.Callback{URL: "http://bob:geheim@host:port/"}, "cannot be understood"},
		"lost #":       {job.Callback{URL: "http://bob:ge#heim@host/"}, "cannot be understood"},
		"body":         {job.Callback{URL: "host", Body: "xml"}, `"xml": want one of ["seed" "row" "extended"]`},
		"secret":       {job.Callback{URL: "host", Secrets: []job.Secret{job.NewSecret("whsec_geheim!")}}, "secret 1: after \"whsec_\" it must be base64"},
		"empty secret": {job.Callback{URL: "host", Secrets: []job.Secret{{}}}, "secret 1 is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := callback.New(test.c)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "geheim")
			require.NotContains(t, err.Error(), "ge#heim")
		})
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	require.Equal(t, "127.0.0.1:20000", endpoint(t, job.Callback{URL: "127.0.0.1:20000/test/callback"}).Host())
	require.Equal(t, "example.com", endpoint(t, job.Callback{URL: "https://bob:x@Example.COM/a"}).Host())
	require.Equal(t, "[::1]:8080", endpoint(t, job.Callback{URL: "[::1]:8080/a"}).Host())
	// With its standard port and without, it is one receiver.
	require.Equal(t, "[::1]", endpoint(t, job.Callback{URL: "[::1]:80/a"}).Host())
	require.Equal(t, "example.com", endpoint(t, job.Callback{URL: "https://example.com:443"}).Host())
	require.Equal(t, "example.com:80", endpoint(t, job.Callback{URL: "https://example.com:80"}).Host())
}

// TestAnotherProtocol: what follows a 101 is no body, and nothing would end the wait for it.
func TestAnotherProtocol(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, err = conn.Read(make([]byte, 1)) // it waits for what the sender says
		ended <- err
	})
	began := time.Now()
	a := endpoint(t, job.Callback{URL: s.URL, Timeout: time.Minute}).Send(t.Context(), delivery)
	require.Less(t, time.Since(began), 30*time.Second)
	require.Equal(t, job.Failed, a.Outcome)
	require.Equal(t, "http_101", a.Code)
	require.ErrorIs(t, <-ended, io.EOF, "the connection is not used again")
}

// TestWithoutAnswer has the ways in which no answer comes.
func TestWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer  func(net.Conn)
		outcome job.Outcome
		code    string
		status  int
	}{
		"endless headers": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100<<10)+"\r\n\r\n")
		}, job.Unknown, "cut", 0},
		"cut":                  {func(net.Conn) {}, job.Unknown, "cut", 0},
		"cut in the headers":   {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-") }, job.Unknown, "cut", 0},
		"cut in the body":      {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok") }, job.Unknown, "cut", 200},
		"no HTTP":              {func(c net.Conn) { io.WriteString(c, "echo "+rowValue+"\r\n\r\n") }, job.Unknown, "cut", 0},
		"500, cut in the body": {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nok") }, job.Failed, "http_500", 500},
		"hang":                 {func(c net.Conn) { c.Read(make([]byte, 1)) }, job.Unknown, "timeout", 0},
		"hang in the body": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok")
			c.Read(make([]byte, 1))
		}, job.Unknown, "timeout", 200},
		"redirect without sense": {func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n")
		}, job.Failed, "http_302", 302},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := endpoint(t, job.Callback{URL: rawReceiver(t, test.answer), Timeout: 300 * time.Millisecond})
			a := e.Send(t.Context(), delivery)
			require.Equal(t, test.outcome, a.Outcome, a.Detail)
			require.Equal(t, test.code, a.Code)
			require.Contains(t, a.Detail, map[string]string{"no HTTP": "no answer of HTTP/1.1", "endless headers": "larger than 64 KiB"}[name])
			require.Equal(t, test.status, a.Status)
			require.NotContains(t, a.Detail, rowValue)
			require.Less(t, a.Took, 5*time.Second)
		})
	}
}

func TestNotSent(t *testing.T) {
	t.Parallel()
	closed := rawReceiver(t, func(net.Conn) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	refusing := l.Addr().String()
	require.NoError(t, l.Close())
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	// The listener's own answer to a TLS greeting never comes.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })

	for name, test := range map[string]struct {
		url, code string
	}{
		"refused":         {refusing, "refused"},
		"dns":             {"no-such-host.invalid", "dns"},
		"tls":             {untrusted.URL, "tls"},
		"no TLS spoken":   {"https://" + closed, "tls"},
		"connect timeout": {"https://" + silent.Addr().String(), "connect_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := endpoint(t, job.Callback{URL: test.url, Timeout: 2 * time.Second})
			a := e.Send(t.Context(), delivery)
			require.Equal(t, job.NotSent, a.Outcome, a.Detail)
			require.Equal(t, test.code, a.Code, a.Detail)
		})
	}
}

func TestNotSentWithoutValues(t *testing.T) {
	t.Parallel()
	r := delivery
	r.Values = r.Values[:1]
	a := endpoint(t, job.Callback{URL: "host"}).Send(t.Context(), r)
	require.Equal(t, job.NotSent, a.Outcome)
	require.Equal(t, "request", a.Code)
}

func TestStopCutsTheExchange(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	s := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		io.Copy(io.Discard, r.Body) // lets the server see the client go
		<-r.Context().Done()
	})
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-arrived; stop() }()
	a := endpoint(t, job.Callback{URL: s.URL, Timeout: time.Minute}).Send(ctx, delivery)
	require.Equal(t, job.Unknown, a.Outcome)
	require.Equal(t, "stopped", a.Code)
	require.Less(t, a.Took, 30*time.Second)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Bool
	s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed.Store(true)
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	a := endpoint(t, job.Callback{URL: s.URL}).Send(t.Context(), delivery)
	require.Equal(t, job.Failed, a.Outcome)
	require.False(t, followed.Load())
}

func TestEndlessBodyIsNotRead(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	s := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		for line := make([]byte, 4096); r.Context().Err() == nil; {
			n, err := w.Write(line)
			if err != nil {
				return
			}
			written.Add(int64(n))
		}
	})
	a := endpoint(t, job.Callback{URL: s.URL, Timeout: 10 * time.Second}).Send(t.Context(), delivery)
	require.Equal(t, job.Delivered, a.Outcome, a.Detail)
	require.Less(t, written.Load(), int64(64<<20)) // what fits into the socket buffers
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	const concurrency = 4
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 10<<10))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	e := endpoint(t, job.Callback{URL: s.URL, Concurrency: concurrency})
	done := make(chan job.Answer)
	for range concurrency {
		go func() {
			var last job.Answer
			for range 25 {
				last = e.Send(t.Context(), delivery)
			}
			done <- last
		}()
	}
	for range concurrency {
		require.Equal(t, job.Delivered, (<-done).Outcome)
	}
	// A connection that is put back a moment late may cost one more.
	require.LessOrEqual(t, connections.Load(), int64(3*concurrency))
}
