package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/admin"
)

var quiet = slog.New(slog.DiscardHandler)

// start runs a server on a free port until the test ends.
func start(t *testing.T, s admin.Sources) (*admin.Server, admin.Client) {
	t.Helper()
	server, err := admin.New(admin.Config{Addr: ":0", Role: "worker"}, s, quiet)
	require.NoError(t, err)
	server.Start()
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	return server, admin.Client{Addr: server.Addr()}
}

// get asks over a connection of its own.
func get(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestHealthyProcess(t *testing.T) {
	t.Parallel()
	type state struct {
		Done int `json:"done"`
	}
	server, client := start(t, admin.Sources{
		Ready:  func(context.Context) []admin.Problem { return nil },
		Status: func(context.Context) (any, error) { return state{7}, nil },
	})
	require.NoError(t, client.Live(t.Context()))
	ready, err := client.Ready(t.Context())
	require.NoError(t, err)
	require.Equal(t, admin.Readiness{Ready: true}, ready)
	var s state
	require.NoError(t, client.Status(t.Context(), &s))
	require.Equal(t, state{7}, s)

	code, body := get(t, "GET", "http://"+server.Addr()+"/livez")
	require.Equal(t, "200 ok\n", strconv.Itoa(code)+" "+body)
	code, _ = get(t, "POST", "http://"+server.Addr()+"/status")
	require.Equal(t, http.StatusMethodNotAllowed, code)
	code, _ = get(t, "GET", "http://"+server.Addr()+"/other")
	require.Equal(t, http.StatusNotFound, code)
}

func TestAProcessThatHangsIsNotAlive(t *testing.T) {
	t.Parallel()
	server, client := start(t, admin.Sources{
		Alive: func() []admin.Problem {
			return []admin.Problem{{What: "comparer", Why: "has not turned for 6m0s"}, {What: "promoter", Why: "the same"}}
		},
	})
	err := client.Live(t.Context())
	require.ErrorIs(t, err, admin.ErrHangs)
	require.ErrorContains(t, err, "hangs: comparer: has not turned for 6m0s; promoter: the same")
	code, body := get(t, "GET", "http://"+server.Addr()+"/livez")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "comparer: has not turned for 6m0s\npromoter: the same\n", body)
}

func TestSourcesMayBeMissing(t *testing.T) {
	t.Parallel()
	_, client := start(t, admin.Sources{})
	ready, err := client.Ready(t.Context())
	require.NoError(t, err)
	require.True(t, ready.Ready)
	require.NoError(t, client.Status(t.Context(), &struct{}{}))
}

func TestProcessThatIsNotReady(t *testing.T) {
	t.Parallel()
	problems := []admin.Problem{{What: "redis", Why: "connection refused"}, {What: "job db.user", Why: "table user is missing"}}
	server, client := start(t, admin.Sources{
		Ready:  func(context.Context) []admin.Problem { return problems },
		Status: func(context.Context) (any, error) { return nil, errors.New("redis is away") },
	})
	require.NoError(t, client.Live(t.Context()))
	ready, err := client.Ready(t.Context())
	require.NoError(t, err)
	require.Equal(t, admin.Readiness{Problems: problems}, ready)
	require.ErrorContains(t, client.Status(t.Context(), &struct{}{}), "redis is away")

	code, body := get(t, "GET", "http://"+server.Addr()+"/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.JSONEq(t, `{"ready":false,"problems":[{"what":"redis","why":"connection refused"},{"what":"job db.user","why":"table user is missing"}]}`, body)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	ranges := prometheus.NewCounter(prometheus.CounterOpts{Name: "cupid_ranges_total", Help: "Ranges done."})
	registry.MustRegister(ranges)
	ranges.Add(3)
	server, _ := start(t, admin.Sources{Registry: registry})
	_, body := get(t, "GET", "http://"+server.Addr()+"/metrics")
	for _, want := range []string{"\ncupid_ranges_total 3\n", "\ngo_goroutines ", "\nprocess_resident_memory_bytes "} {
		require.Contains(t, body, want)
	}
	// Two roles in one process may share a registry.
	start(t, admin.Sources{Registry: registry})
}

func TestStatusThatIsNoJSON(t *testing.T) {
	t.Parallel()
	_, client := start(t, admin.Sources{Status: func(context.Context) (any, error) { return make(chan int), nil }})
	require.ErrorContains(t, client.Status(t.Context(), &struct{}{}), "status 500")
}

func TestTakenPortIsAWarning(t *testing.T) {
	t.Parallel()
	first, err := admin.New(admin.Config{Addr: "127.0.0.1:0"}, admin.Sources{}, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, first.Stop(context.Background())) })
	_, port, err := net.SplitHostPort(first.Addr())
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)

	for _, c := range []admin.Config{
		{Addr: ":" + port, Role: "worker"},
		{DefaultPort: number, Role: "worker"},
		{Addr: "127.0.0.1", DefaultPort: number, Role: "worker"},
	} {
		var out bytes.Buffer
		next, err := admin.New(c, admin.Sources{}, slog.New(slog.NewTextHandler(&out, nil)))
		if number == 65535 { // no port above it
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		require.NotEqual(t, first.Addr(), next.Addr())
		require.True(t, strings.HasPrefix(next.Addr(), "127.0.0.1:"), next.Addr())
		require.Contains(t, out.String(), `level=WARN msg="admin port is taken, using the next free one" role=worker port=`+port+" addr="+next.Addr())
		require.NoError(t, next.Stop(t.Context()))
	}
}

func TestHostWithoutPort(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"[::1]", "::1", "[::1]:0"} {
		s, err := admin.New(admin.Config{Addr: addr}, admin.Sources{}, quiet)
		if err != nil { // a machine without IPv6 says so, and not that the text is wrong
			require.NotContains(t, err.Error(), "want host:port")
			continue
		}
		require.True(t, strings.HasPrefix(s.Addr(), "[::1]:"), s.Addr())
		require.NoError(t, s.Stop(t.Context()))
	}
}

func TestBadAddressIsRefused(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"localhost:http":  `"localhost:http": want host:port`,
		"localhost:65536": "from 0 to 65535",
		"localhost:-1":    "from 0 to 65535",
		"192.0.2.1:0":     `admin address "192.0.2.1:0"`,
	} {
		_, err := admin.New(admin.Config{Addr: addr}, admin.Sources{}, quiet)
		require.ErrorContains(t, err, want)
	}
}

func TestStopWithoutStartFreesThePort(t *testing.T) {
	t.Parallel()
	s, err := admin.New(admin.Config{Addr: ":0"}, admin.Sources{}, quiet)
	require.NoError(t, err)
	require.NoError(t, s.Stop(t.Context()))
	require.NoError(t, s.Stop(t.Context()))
	s.Start() // a stopped server stays stopped
}

func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	s, err := admin.New(admin.Config{Addr: ":0"}, admin.Sources{Status: func(context.Context) (any, error) {
		close(asked)
		<-release
		return nil, nil
	}}, quiet)
	require.NoError(t, err)
	s.Start()
	answered := make(chan error)
	go func() { answered <- admin.Client{Addr: s.Addr()}.Status(t.Context(), &struct{}{}) }()
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Stop(ctx), context.DeadlineExceeded)
	require.Error(t, <-answered)
	close(release)
}

func TestStartAndStopAtOnce(t *testing.T) {
	t.Parallel()
	for range 10 {
		s, err := admin.New(admin.Config{Addr: ":0"}, admin.Sources{}, quiet)
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 5 {
			all.Go(s.Start)
			all.Go(func() { _ = s.Stop(t.Context()) })
		}
		all.Wait()
	}
}

func TestClientOfSomethingElse(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }))
	defer other.Close()
	client := admin.Client{Addr: strings.TrimPrefix(other.URL, "http://")}
	require.ErrorContains(t, client.Live(t.Context()), "it is not a cupid process")
	_, err := client.Ready(t.Context())
	require.ErrorContains(t, err, "it is not a cupid process")
	require.ErrorContains(t, client.Status(t.Context(), &struct{}{}), "it is not a cupid process")

	require.ErrorContains(t, admin.Client{Addr: "127.0.0.1:1"}.Live(t.Context()), "ask 127.0.0.1:1: ")
	require.ErrorContains(t, admin.Client{Addr: "a b"}.Live(t.Context()), `admin address "a b": want host:port`)
}
