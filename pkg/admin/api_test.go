package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/job"
)

// standIn is a fleet of one job; the real one is tested in package app.
type standIn struct {
	mu   sync.Mutex
	rows int64
	err  error
	did  []admin.Order
}

func (f *standIn) Overview(context.Context, time.Duration) (admin.Overview, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows += 1000
	return admin.Overview{At: time.Now(), Jobs: []admin.Job{{State: job.State{Name: "users", Stats: map[string]int64{"rows": f.rows}}}}}, f.err
}

func (f *standIn) Callbacks(context.Context, admin.Place) (admin.Callbacks, error) {
	return admin.Callbacks{}, nil
}
func (f *standIn) Callback(context.Context, string, string) (job.Shown, error) {
	return job.Shown{}, nil
}
func (f *standIn) Ranges(context.Context, admin.Place) (admin.Ranges, error) {
	return admin.Ranges{}, nil
}
func (f *standIn) Events(context.Context, string, int) ([]job.Event, error) { return nil, nil }
func (f *standIn) Act(_ context.Context, o admin.Order) (admin.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.did = append(f.did, o)
	return admin.Outcome{}, nil
}
func (f *standIn) Pause(context.Context, admin.Pause) (time.Time, error) { return time.Time{}, nil }
func (f *standIn) Resume(context.Context, admin.Pause) (bool, error)     { return false, nil }
func (f *standIn) Row(context.Context, admin.Look) (any, error)          { return nil, nil }
func (f *standIn) Quiet(context.Context, string, string, string) error   { return nil }
func (f *standIn) Loud(context.Context, string, string) (bool, error)    { return false, nil }
func (f *standIn) Rescan(context.Context, admin.Rescan) (job.Scan, error) {
	return "rescan-7", nil
}
func (f *standIn) Audit(context.Context, admin.Audit) ([]string, error) { return nil, nil }
func (f *standIn) Remove(context.Context, admin.Removal) (int, error)   { return 0, nil }

const token = "a-token-of-some-length"

// serve runs a server with a stand-in behind its API.
func serve(t *testing.T, c admin.Config) (string, *standIn) {
	t.Helper()
	f := &standIn{}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	server, err := admin.New(c, admin.Sources{Fleet: f, Steering: f}, quiet)
	require.NoError(t, err)
	server.Start()
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	_, port, err := net.SplitHostPort(server.Addr())
	require.NoError(t, err)
	return "127.0.0.1:" + port, f
}

// answered is what came of a request.
type answered struct {
	status  int
	header  http.Header
	cookies []*http.Cookie
	error   string
}

func request(t *testing.T, method, addr, path, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// try sends a request with headers given as pairs.
func try(t *testing.T, method, addr, path, body string, header ...string) answered {
	t.Helper()
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request(t, method, addr, path, body, header...))
	require.NoError(t, err)
	defer resp.Body.Close()
	var failure struct {
		Error string `json:"error"`
	}
	if resp.StatusCode >= 300 {
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&failure), "an error is JSON")
	}
	return answered{resp.StatusCode, resp.Header, resp.Cookies(), failure.Error}
}

func TestWhoIsLetIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config admin.Config
		header []string
		want   int
	}{
		"own machine":                 {admin.Config{}, nil, 200},
		"own machine by name":         {admin.Config{}, []string{"Host", "localhost:8321"}, 200},
		"own machine, IPv6":           {admin.Config{}, []string{"Host", "[::1]:8321"}, 200},
		"a name that points here":     {admin.Config{}, []string{"Host", "evil.example:8321"}, 403},
		"others, no token":            {admin.Config{Addr: "0.0.0.0:0"}, nil, 403},
		"others, open":                {admin.Config{Addr: "0.0.0.0:0", Open: true}, []string{"Host", "cupid.example"}, 200},
		"token is missing":            {admin.Config{Token: job.NewSecret(token)}, nil, 401},
		"token is missing, also open": {admin.Config{Token: job.NewSecret(token), Open: true}, nil, 401},
		"token is right":              {admin.Config{Token: job.NewSecret(token)}, []string{"Authorization", "Bearer " + token, "Host", "cupid.example"}, 200},
		"token is wrong":              {admin.Config{Token: job.NewSecret(token)}, []string{"Authorization", "Bearer " + token + "x"}, 401},
		"token is empty":              {admin.Config{Token: job.NewSecret(token)}, []string{"Authorization", "Bearer "}, 401},
		"token of another scheme":     {admin.Config{Token: job.NewSecret(token)}, []string{"Authorization", "Basic " + token}, 401},
		"cookie that nobody gave":     {admin.Config{Token: job.NewSecret(token)}, []string{"Cookie", "cupid_session=99999999999.00"}, 401},
		"cookie without an end":       {admin.Config{Token: job.NewSecret(token)}, []string{"Cookie", "cupid_session="}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := serve(t, c.config)
			for _, path := range []string{"/api/v1/jobs", "/api/v1/callbacks?queue=slow", "/debug/pprof/", "/debug/pprof/goroutine", "/status"} {
				require.Equal(t, c.want, try(t, "GET", addr, path, "", c.header...).status, path)
			}
			require.Equal(t, c.want, try(t, "POST", addr, "/api/v1/callbacks/retry", `{"ids":["a"]}`, c.header...).status)
			for _, path := range []string{"/livez", "/readyz", "/metrics", "/api/v1/openapi.yaml", "/api/v1/session"} {
				require.Equal(t, 200, try(t, "GET", addr, path, "", c.header...).status, "%s needs nothing", path)
			}
		})
	}
}

func TestRefusalsSayWhatToSet(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, admin.Config{Addr: "0.0.0.0:0"})
	require.Contains(t, try(t, "GET", addr, "/api/v1/jobs", "").error, "set http.token (or CUPID_HTTP_TOKEN), or http.open: true")
	require.Contains(t, try(t, "POST", addr, "/api/v1/session", `{"token":"x"}`).error, "no token is configured")
	addr, _ = serve(t, admin.Config{Token: job.NewSecret(token)})
	resp := try(t, "GET", addr, "/api/v1/jobs", "")
	require.Equal(t, `Bearer realm="cupid"`, resp.header.Get("WWW-Authenticate"))
	require.Contains(t, resp.error, "Authorization: Bearer TOKEN")
	require.Contains(t, try(t, "GET", addr, "/api/v1/nothing", "").error, "/api/v1/openapi.yaml says what there is")
}

func TestLoginGivesACookieThatScriptsAndOtherSitesDoNotGet(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, admin.Config{Token: job.NewSecret(token)})
	require.Contains(t, try(t, "POST", addr, "/api/v1/session", `{"token":"wrong"}`).error, "the token is wrong")
	resp := try(t, "POST", addr, "/api/v1/session", `{"token":"`+token+`"}`)
	require.Equal(t, 200, resp.status)
	cookies := resp.cookies
	require.Len(t, cookies, 1)
	require.True(t, cookies[0].HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookies[0].SameSite)
	require.Equal(t, 12*60*60, cookies[0].MaxAge)
	require.NotContains(t, cookies[0].Value, token)
	with := []string{"Cookie", cookies[0].Name + "=" + cookies[0].Value}
	require.Equal(t, 200, try(t, "GET", addr, "/api/v1/jobs", "", with...).status)

	other, _ := serve(t, admin.Config{Token: job.NewSecret(token)})
	require.Equal(t, 200, try(t, "GET", other, "/api/v1/jobs", "", with...).status, "another scheduler of the fleet knows it too")
	stranger, _ := serve(t, admin.Config{Token: job.NewSecret(token + "2")})
	require.Equal(t, 401, try(t, "GET", stranger, "/api/v1/jobs", "", with...).status)
	end, signature, _ := strings.Cut(cookies[0].Value, ".")
	require.Equal(t, 401, try(t, "GET", addr, "/api/v1/jobs", "", "Cookie", cookies[0].Name+"="+end+"0."+signature).status, "nobody prolongs it")
	require.True(t, try(t, "POST", addr, "/api/v1/session", `{"token":"`+token+`"}`, "X-Forwarded-Proto", "https").cookies[0].Secure)
	require.Negative(t, try(t, "DELETE", addr, "/api/v1/session", "", with...).cookies[0].MaxAge)
}

func TestPagesOfOthersDoNotAct(t *testing.T) {
	t.Parallel()
	addr, f := serve(t, admin.Config{})
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"}} {
		resp := try(t, "POST", addr, "/api/v1/callbacks/retry", `{"ids":["a"]}`, header...)
		require.Equal(t, 403, resp.status, header)
		require.Contains(t, resp.error, "another site")
	}
	require.Equal(t, 415, try(t, "POST", addr, "/api/v1/callbacks/retry", `{"ids":["a"]}`, "Content-Type", "text/plain").status, "what a form can send")
	require.Empty(t, f.did)
	require.Equal(t, 200, try(t, "POST", addr, "/api/v1/callbacks/retry", `{"ids":["a"]}`, "Sec-Fetch-Site", "same-origin", "Origin", "http://"+addr).status)
	require.Len(t, f.did, 1)
}

func TestEveryActSaysWhoDidIt(t *testing.T) {
	t.Parallel()
	addr, f := serve(t, admin.Config{})
	for name, want := range map[string]string{
		"":                       "somebody from 127.0.0.1",
		"eva":                    "eva from 127.0.0.1",
		"%E6%9D%8E%0A%1B[1m":     "李[1m from 127.0.0.1",
		"%zz":                    "somebody from 127.0.0.1",
		strings.Repeat("x", 100): strings.Repeat("x", 64) + " from 127.0.0.1",
		"  spaces around  ":      "spaces around from 127.0.0.1",
	} {
		f.did = nil
		require.Equal(t, 200, try(t, "POST", addr, "/api/v1/callbacks/retry", `{"ids":["a"]}`, "X-Cupid-User", name).status)
		require.Equal(t, want, f.did[0].Who)
		require.Equal(t, job.ActRetry, f.did[0].Act)
	}
}

func TestAnswersMayNotBeFramedOrSniffed(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, admin.Config{})
	h := try(t, "GET", addr, "/api/v1/jobs", "").header
	require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'")
	require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe")
	require.Equal(t, "no-store", h.Get("Cache-Control"))
	require.Empty(t, h.Get("Access-Control-Allow-Origin"))
}

// open begins a stream that lasts until the test ends.
func open(t *testing.T, addr string) io.Reader {
	t.Helper()
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request(t, "GET", addr, "/api/v1/stream", ""))
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	return resp.Body
}

// stories reads the events of a stream.
func stories(t *testing.T, addr string) func() admin.Overview {
	t.Helper()
	lines := bufio.NewScanner(open(t, addr))
	return func() (o admin.Overview) {
		for lines.Scan() {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				require.NoError(t, json.Unmarshal([]byte(data), &o))
				return o
			}
		}
		require.Fail(t, "the stream ended", lines.Err())
		return o
	}
}

func TestTheStreamTellsOfEachLook(t *testing.T) {
	t.Parallel()
	addr, f := serve(t, admin.Config{})
	next := stories(t, addr)
	var o admin.Overview
	for len(o.Jobs) == 0 || o.Jobs[0].RowsPerSecond == 0 {
		o = next()
	}
	require.Positive(t, o.Jobs[0].RowsPerSecond)
	f.mu.Lock()
	f.err = errors.New("redis: connection refused")
	f.mu.Unlock()
	for len(o.Troubles) == 0 || o.Troubles[0].Kind != admin.RedisDown {
		o = next()
	}
	require.Contains(t, o.Troubles[0].Text, "connection refused")
	require.NotEmpty(t, o.Jobs, "what was known last stays in sight")
	resp := try(t, "GET", addr, "/api/v1/overview", "")
	require.Equal(t, 503, resp.status)
	require.Equal(t, "redis: connection refused", resp.error)
	// That Stop ends a stream that is open is seen when this test ends.
}

func TestTooManyPages(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, admin.Config{})
	for range 64 {
		open(t, addr)
	}
	resp := try(t, "GET", addr, "/api/v1/stream", "")
	require.Equal(t, 503, resp.status)
	require.Contains(t, resp.error, "close one")
}

func TestAProcessWithoutAFleetHasNoPageAndNoAPI(t *testing.T) {
	t.Parallel()
	server, err := admin.New(admin.Config{Addr: "127.0.0.1:0", Token: job.NewSecret(token)}, admin.Sources{}, quiet)
	require.NoError(t, err)
	server.Start()
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	for path, want := range map[string]int{"/": 404, "/page/main.js": 404, "/api/v1/jobs": 404, "/livez": 200, "/status": 401, "/debug/pprof/": 401} {
		status, _ := get(t, "GET", "http://"+server.Addr()+path)
		require.Equal(t, want, status, path)
	}
	require.ErrorContains(t, admin.Client{Addr: server.Addr()}.Status(t.Context(), &struct{}{}), server.Addr()+": it wants its http.token, and none was given: set CUPID_HTTP_TOKEN, or name a file with --token-file")
	known := admin.Client{Addr: server.Addr(), Token: job.NewSecret(token)}
	require.NoError(t, known.Status(t.Context(), &struct{}{}))
	_, err = known.Events(t.Context(), "", 1)
	require.EqualError(t, err, server.Addr()+": it has no API, as a worker: ask a scheduler or a cupid")
	require.NoError(t, admin.Client{Addr: server.Addr()}.Live(t.Context()))
}

func TestThePageIsFetchedAgainOnlyAfterItHasChanged(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, admin.Config{Token: job.NewSecret(token)})
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/page/main.js": "text/javascript; charset=utf-8",
		"/page/style.css": "text/css; charset=utf-8", "/page/icon.svg": "image/svg+xml",
	} {
		first := try(t, "GET", addr, path, "")
		require.Equal(t, 200, first.status, "%s needs no token: it holds no data", path)
		require.Equal(t, kind, first.header.Get("Content-Type"))
		require.NotEmpty(t, first.header.Get("ETag"))
		status, _ := get(t, "GET", "http://"+addr+path)
		require.Equal(t, 200, status)
		r := request(t, "GET", addr, path, "", "If-None-Match", first.header.Get("ETag"))
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusNotModified, resp.StatusCode)
	}
}
