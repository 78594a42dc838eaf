package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// described is the API's own description.
func described(t *testing.T) routers.Router {
	t.Helper()
	text, err := os.ReadFile("../admin/openapi.yaml")
	require.NoError(t, err)
	doc, err := openapi3.NewLoader().LoadFromData(text)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	router, err := gorillamux.NewRouter(doc)
	require.NoError(t, err)
	return router
}

// apiWorld is a scheduler over a Redis with a job whose databases nobody needs.
type apiWorld struct {
	t      *testing.T
	server *redistest.Server
	prefix string
	addr   string
	router routers.Router
	seen   map[string]bool // operations that were used
}

const tokenOfTests = "s3cr3t-token-of-tests"

func newAPIWorld(t *testing.T, server *redistest.Server) *apiWorld {
	t.Helper()
	w := &apiWorld{t: t, server: server, prefix: server.Prefix(t), router: described(t), seen: map[string]bool{}}
	c := &config.Config{
		Path: "users.yaml", Form: config.FormJob, Redis: &broker.Config{Addrs: []string{server.Addr}, Prefix: w.prefix},
		Log: config.Log{Format: "text"}, HTTP: config.HTTP{Addr: freeAddr(t), Token: job.NewSecret(tokenOfTests), Rows: true},
		Worker:  config.Worker{Comparers: 1, RangePoll: time.Second, CallbackPoll: time.Second},
		Process: config.Process{ShutdownTimeout: time.Second, Lease: 30 * time.Second},
		Jobs: []job.Job{{
			Name: "users", Source: job.Source{DSN: job.NewSecret("u:p@tcp(127.0.0.1:1)/db"), Shard: job.Shard{Database: "db", Table: "user"}, ByColumns: []string{"number"}},
			RangeRows: 100, MaxRanges: 10, MaxCallbacks: 5000,
			Destinations: []job.Destination{
				{Name: "far", DSN: job.NewSecret("u:p@tcp(127.0.0.1:1)/db"), Table: "user", ByColumns: []string{"number"}, Callback: job.Callback{URL: "127.0.0.1:1/cb"}},
				{Name: "near", DSN: job.NewSecret("u:p@tcp(127.0.0.1:1)/db"), Table: "user", ByColumns: []string{"number"}, Callback: job.Callback{Off: true}},
			},
		}},
	}
	w.redis(func(ctx context.Context, pipe redis.Pipeliner) {
		pipe.SAdd(ctx, w.prefix+"jobs", "users", "others")
		pipe.HSet(ctx, w.key("spec"), "destinations", "far near", "identity", "127.0.0.1:1/db.user#id")
		pipe.HSet(ctx, w.prefix+"{others}:spec", "destinations", "far", "identity", "elsewhere")
		pipe.HSet(ctx, w.key("stats"), "rows", 10, "ranges", 1)
	})
	a, err := app.New(c, app.Options{Role: app.Scheduler, Console: io.Discard})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, a.Stop(context.Background()))
	})
	w.addr = a.Addr()
	return w
}

func (w *apiWorld) key(name string) string { return w.prefix + "{users}:" + name }

func (w *apiWorld) redis(do func(context.Context, redis.Pipeliner)) {
	w.t.Helper()
	pipe := w.server.Client.Pipeline()
	do(w.t.Context(), pipe)
	_, err := pipe.Exec(w.t.Context())
	require.NoError(w.t, err)
}

// wait puts n callbacks into a sorted set, the first one due first; every third is of the destination near.
func (w *apiWorld) wait(queue string, n int) {
	w.t.Helper()
	w.redis(func(ctx context.Context, pipe redis.Pipeliner) {
		for i := range n {
			destination := "far"
			if i%3 == 2 {
				destination = "near"
			}
			id := fmt.Sprintf("%s:db.user:%s%d", destination, queue, i)
			pipe.HSet(ctx, w.key("callback:"+id), "destination", destination, "shard", "db.user", "key", i, "type", 1, "attempts", 4,
				"error", "http_503", "status", 503, "first_seen", time.Now().UnixMilli())
			pipe.ZAdd(ctx, w.key("callbacks:"+queue), redis.Z{Score: float64(time.Now().Add(time.Hour + time.Duration(i)*time.Second).UnixMilli()), Member: id})
		}
	})
}

// found is whatever an answer may hold; the description says what it must.
type found struct {
	Error     string                             `json:"error"`
	Jobs      []job.State                        `json:"jobs"`
	Troubles  []struct{ Kind string }            `json:"troubles"`
	Endpoints []job.Receiver                     `json:"endpoints"`
	Callbacks []job.Waiting                      `json:"callbacks"`
	Ranges    []job.WaitingRange                 `json:"ranges"`
	Total     int                                `json:"total"`
	Next      int                                `json:"next"`
	Events    []struct{ Kind, Who, What string } `json:"events"`
	Did       map[string]int                     `json:"did"`
	Left      int                                `json:"left"`
}

// ask sends a request and holds it and its answer against the description.
func (w *apiWorld) ask(method, path, body string, header ...string) (int, found) {
	w.t.Helper()
	r := w.request(method, path, body, header...)
	route, parameters, err := w.router.FindRoute(r)
	require.NoError(w.t, err, "%s %s is not described", method, path)
	w.seen[route.Operation.OperationID] = true
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	question := &openapi3filter.RequestValidationInput{
		Request: w.request(method, path, body, header...), PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	mistake := openapi3filter.ValidateRequest(w.t.Context(), question)
	if resp.StatusCode < 300 {
		require.NoError(w.t, mistake, "%s %s is answered and not as described", method, path)
	}
	question.Options.ExcludeRequestBody = true
	require.NoError(w.t, openapi3filter.ValidateResponse(w.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: question, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(text)), Options: question.Options,
	}), "%s %s answers %s", method, path, text)
	var answer found
	require.NoError(w.t, json.Unmarshal(text, &answer), string(text))
	return resp.StatusCode, answer
}

func (w *apiWorld) request(method, path, body string, header ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.addr+path, strings.NewReader(body))
	require.NoError(w.t, err)
	r.Header.Set("Authorization", "Bearer "+tokenOfTests)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// ok is the answer to a request that must succeed.
func (w *apiWorld) ok(method, path, body string, header ...string) found {
	w.t.Helper()
	status, answer := w.ask(method, path, body, header...)
	require.Less(w.t, status, 300, "%s %s: %s", method, path, answer.Error)
	return answer
}

// no is the sentence of a request that must fail.
func (w *apiWorld) no(want int, method, path, body string, header ...string) string {
	w.t.Helper()
	status, answer := w.ask(method, path, body, header...)
	require.Equal(w.t, want, status, "%s %s: %s", method, path, answer.Error)
	require.NotEmpty(w.t, answer.Error)
	require.NotContains(w.t, answer.Error, "\n")
	return answer.Error
}

func (f found) ids() (all []string) {
	for _, c := range f.Callbacks {
		all = append(all, c.ID)
	}
	return all
}

func TestTheAPIIsAsDescribedAndAnswersForAllJobs(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t, redistest.Shared(t))
	w.wait("slow", 30)
	w.redis(func(ctx context.Context, pipe redis.Pipeliner) {
		pipe.LPush(ctx, w.key("ranges"), "insert:db.user:..100", "insert:db.user:100..200")
		pipe.ZAdd(ctx, w.key("ranges:parked"), redis.Z{Score: float64(time.Now().Add(time.Hour).UnixMilli()), Member: "insert:db.user:7..8"})
		pipe.HSet(ctx, w.key("range:insert:db.user:7..8"), "parked", 1, "error", "statement_timeout")
		pipe.ZAdd(ctx, w.prefix+"endpoints", redis.Z{Score: float64(time.Now().UnixMilli()), Member: "127.0.0.1:1"})
		pipe.HSet(ctx, w.prefix+"{endpoint:127.0.0.1:1}:state", "opened", time.Now().UnixMilli(), "open_until", time.Now().Add(time.Minute).UnixMilli(), "failures", 10, "code", "http_503")
	})

	var overview found
	require.True(t, eventually.Holds(patience, func() bool { // one may have been read before all this was there
		overview = w.ok("GET", "/api/v1/overview", "")
		kinds := map[string]bool{}
		for _, trouble := range overview.Troubles {
			kinds[trouble.Kind] = true
		}
		return kinds["no_workers"] && kinds["receiver_down"] && kinds["no_leader"] && !kinds["slow_callbacks"] && kinds["stalled_ranges"]
	}), "%v", overview.Troubles)
	require.Len(t, overview.Jobs, 2, "also the job of another config")
	require.Len(t, w.ok("GET", "/api/v1/jobs", "").Jobs, 2)
	require.Len(t, w.ok("GET", "/api/v1/endpoints", "").Endpoints, 1)
	w.ok("GET", "/api/v1/workers", "")
	w.ok("GET", "/api/v1/history?job=users", "")
	w.ok("GET", "/api/v1/queues?job=users", "")

	page := w.ok("GET", "/api/v1/callbacks?job=users&queue=slow&first=10&limit=15", "")
	require.Len(t, page.ids(), 15)
	require.Equal(t, 30, page.Total)
	require.Equal(t, 25, page.Next)
	require.Equal(t, "far:db.user:slow10", page.ids()[0])
	page = w.ok("GET", "/api/v1/callbacks?job=users&queue=slow&destination=near", "")
	require.Len(t, page.ids(), 10)
	page = w.ok("GET", "/api/v1/callbacks?job=users&queue=slow&destination=near&limit=1&first=0", "")
	require.Equal(t, []string{"near:db.user:slow2"}, page.ids(), "what is of others is passed over")
	require.Equal(t, 3, page.Next)

	w.ok("GET", "/api/v1/callback?job=users&id=far:db.user:slow0", "")
	require.Contains(t, w.no(404, "GET", "/api/v1/callback?job=users&id=nobody", ""), `no callback "nobody" is open in job users`)
	require.Contains(t, w.no(400, "GET", "/api/v1/callback?job=users", ""), "id is missing")

	ranges := w.ok("GET", "/api/v1/ranges?job=users&queue=waiting&limit=1", "")
	require.Equal(t, 1, ranges.Next)
	ranges = w.ok("GET", "/api/v1/ranges?job=users&queue=parked", "")
	require.Len(t, ranges.Ranges, 1)

	did := w.ok("POST", "/api/v1/callbacks/park", `{"job":"users","ids":["far:db.user:slow0","far:db.user:gone"],"reason":"ticket 7"}`, "X-Cupid-User", "%E6%9D%8E%E5%9B%9B")
	require.Equal(t, map[string]int{"done": 1, "gone": 1}, did.Did)
	events := w.ok("GET", "/api/v1/events?job=users&limit=5", "").Events
	require.Len(t, events, 1)
	event := events[0]
	require.Equal(t, "李四 from 127.0.0.1", event.Who)
	require.Equal(t, "park", event.Kind)
	require.Contains(t, event.What, "ticket 7")
	require.Contains(t, w.ok("GET", "/api/v1/events", "").Events, event, "of all jobs, besides what befell the fleet")
	parked := w.ok("GET", "/api/v1/callbacks?job=users&queue=parked", "")
	require.Equal(t, "李四 from 127.0.0.1", parked.Callbacks[0].Hold)

	w.ok("POST", "/api/v1/callbacks/audit", `{"job":"users","fix":true}`)
	w.ok("POST", "/api/v1/jobs/users/pause", `{"reason":"the receiver moves","for":"1h"}`)
	w.ok("POST", "/api/v1/jobs/users/resume", `{}`)
	w.ok("POST", "/api/v1/row", `{"job":"users","key":"7"}`) // its databases are down, which is said for each destination
	w.ok("POST", "/api/v1/row", `{"job":"users","by":["+49 170 1234567"],"destination":"far"}`)
	looks := w.ok("GET", "/api/v1/events?job=users&limit=2", "").Events
	require.Equal(t, "key 7", looks[1].What)
	require.Equal(t, "a row by its byColumn", looks[0].What, "a value of a row is noted nowhere")
	for _, mistaken := range []string{`{"job":"users"}`, `{"job":"users","key":"7","by":["7"]}`, `{"key":"7"}`} {
		require.Contains(t, w.no(400, "POST", "/api/v1/row", mistaken), "either the key of the row or a value for each byColumn")
	}
	require.Contains(t, w.no(409, "POST", "/api/v1/row", `{"job":"others","key":"7"}`), "ask a scheduler that runs it")
	w.redis(func(ctx context.Context, pipe redis.Pipeliner) {
		pipe.HSet(ctx, w.prefix+"process:h:7", "role", "worker")
	})
	w.ok("POST", "/api/v1/workers/h:7/quiet", `{"reason":"the host moves"}`)
	require.Equal(t, "somebody from 127.0.0.1: the host moves", w.server.Client.HGet(t.Context(), w.prefix+"process:h:7", "quiet").Val())
	w.ok("POST", "/api/v1/workers/h:7/resume", `{}`)
	require.Equal(t, []string{"loud", "quiet"}, kinds(w.ok("GET", "/api/v1/events?limit=2", "").Events))
	w.ok("GET", "/api/v1/session", "")
	w.ok("POST", "/api/v1/session", `{"token":"`+tokenOfTests+`"}`)
	w.ok("DELETE", "/api/v1/session", "")
	require.Contains(t, w.no(409, "POST", "/api/v1/rescan", `{"job":"others"}`), "ask a scheduler that runs it")
	require.Contains(t, w.no(409, "POST", "/api/v1/jobs/users/remove", `{"reason":"test data"}`), "job users is still run by scheduler")
	require.Contains(t, w.no(400, "POST", "/api/v1/jobs/others/remove", `{"reason":" "}`), "remove wants a reason")
	require.Contains(t, w.no(404, "POST", "/api/v1/jobs/nobody/remove", `{"reason":"test data"}`), `no job "nobody"`)
	w.ok("POST", "/api/v1/jobs/others/remove", `{"reason":"test data"}`)
	require.Equal(t, []string{"jobs_rm"}, kinds(w.ok("GET", "/api/v1/events?limit=1", "").Events))
	for _, elsewhere := range []string{"stream", "openapi"} { // no JSON, tested beside their handlers
		w.seen[elsewhere] = true
	}
	w.each(func(method, path, operation string) {
		require.True(t, w.seen[operation], "%s %s was not tried", method, path)
	})
}

// each goes through what the description has.
func (w *apiWorld) each(do func(method, path, operation string)) {
	w.t.Helper()
	text, err := os.ReadFile("../admin/openapi.yaml")
	require.NoError(w.t, err)
	doc, err := openapi3.NewLoader().LoadFromData(text)
	require.NoError(w.t, err)
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			do(method, path, operation.OperationID)
		}
	}
}

// firstNews is what a page that is opened is told at first.
func (w *apiWorld) firstNews() string {
	w.t.Helper()
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(w.request("GET", "/api/v1/stream", ""))
	require.NoError(w.t, err)
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadString('\n')
		require.NoError(w.t, err)
		if data, is := strings.CutPrefix(line, "data: "); is {
			return data
		}
	}
}

func kinds(events []struct{ Kind, Who, What string }) (all []string) {
	for _, e := range events {
		all = append(all, e.Kind)
	}
	return all
}

func TestTheAPISaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t, redistest.Shared(t))
	const callbacks = "/api/v1/callbacks"
	for _, c := range []struct {
		status             int
		method, path, body string
		want               string
	}{
		{400, "GET", callbacks, "", "queue wants one of due, leased,"},
		{400, "GET", callbacks + "?queue=slow&limit=0", "", "limit wants a whole number from 1 to 1000"},
		{400, "GET", callbacks + "?queue=slow&first=-1", "", "first wants a whole number from 0"},
		{400, "GET", callbacks + "?queue=slow&frist=1", "", `"frist" is no parameter here`},
		{400, "GET", callbacks + "?queue=slow&queue=retry", "", "queue is given twice"},
		{400, "GET", callbacks + "?queue=slow&job=a%20b", "", "job wants a name"},
		{404, "GET", callbacks + "?queue=slow&job=nobody", "", `knows no job "nobody"; there are: others, users`},
		{404, "GET", callbacks + "?queue=slow", "", `knows several jobs, say which: others, users`},
		{404, "GET", "/api/v1/events?job=nobody", "", `there are: others, users`},
		{404, "GET", "/api/v1/queues?job=nobody", "", `no job "nobody"`},
		{400, "GET", "/api/v1/ranges?queue=slow", "", "queue wants one of waiting,"},
		{404, "POST", callbacks + "/burn", `{}`, "want retry, park, unpark or drop"},
		{400, "POST", callbacks + "/retry", `{"job":"users"}`, "say which callbacks"},
		{400, "POST", callbacks + "/retry", `{"job":"users","ids":["a"],"queue":"slow"}`, "either ids or a queue"},
		{400, "POST", callbacks + "/drop", `{"job":"users","ids":["a"]}`, "drop wants a reason"},
		{400, "POST", callbacks + "/park", `{"job":"users","queue":"slow","reason":" "}`, "park wants a reason"},
		{400, "POST", callbacks + "/retry", `{"job":"users","queue":"lost"}`, "queue wants one of"},
		{400, "POST", callbacks + "/retry", `{"job":`, "the body cannot be read"},
		{400, "POST", callbacks + "/retry", `{"jobs":"users"}`, `unknown field \"jobs\"`},
		{400, "POST", callbacks + "/retry", `{"job":"users","queue":"slow"} {}`, "something stands behind"},
		{413, "POST", callbacks + "/retry", `{"job":"` + strings.Repeat("x", 1<<20) + `"}`, "at most 1024 KB"},
		{400, "POST", "/api/v1/jobs/users/pause", `{"reason":""}`, "pause wants a reason"},
		{400, "POST", "/api/v1/jobs/users/pause", `{"reason":"x","for":"1ms"}`, "at least 1s"},
		{400, "POST", "/api/v1/workers/h:7/quiet", `{"reason":" "}`, "quiet wants a reason"},
		{404, "POST", "/api/v1/workers/h:7/quiet", `{"reason":"x"}`, `no process "h:7" beat within the last minute`},
		{404, "POST", "/api/v1/jobs/nobody/resume", `{}`, `no job "nobody"`},
	} {
		require.Contains(t, w.no(c.status, c.method, c.path, c.body), strings.ReplaceAll(c.want, `\"`, `"`), "%s %s %.40s", c.method, c.path, c.body)
	}
	require.Contains(t, w.no(415, "POST", callbacks+"/retry", `{}`, "Content-Type", "text/plain"), "application/json")
	require.Contains(t, w.no(401, "GET", callbacks+"?queue=slow", "", "Authorization", "Bearer wrong"), "http.token")
	require.Contains(t, w.no(403, "POST", callbacks+"/retry", `{}`, "Origin", "http://elsewhere.example"), "another site")
}

func TestAnOrderForAWholeQueueIsDoneInPortions(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t, redistest.Shared(t))
	const many = 4700
	w.wait("slow", many)
	before, requests, done := 0, 0, 0
	for {
		answer := w.ok("POST", "/api/v1/callbacks/retry", fmt.Sprintf(`{"job":"users","queue":"slow","before":%d}`, before))
		requests++
		done += answer.Did["done"]
		if before = answer.Left; before == 0 {
			break
		}
	}
	require.Equal(t, many, done)
	require.Equal(t, 3, requests)
	require.Len(t, w.ok("GET", "/api/v1/events?job=users", "").Events, 1, "one order, one event")
	require.Empty(t, w.ok("GET", "/api/v1/callbacks?job=users&queue=slow", "").Callbacks)
	page := w.ok("GET", "/api/v1/callbacks?job=users&queue=due&first=4690", "")
	require.Len(t, page.ids(), 10)

	w.wait("slow", 30)
	answer := w.ok("POST", "/api/v1/callbacks/drop", `{"job":"users","queue":"slow","destination":"near","reason":"test"}`)
	require.Equal(t, map[string]int{"done": 10}, answer.Did)
	require.Equal(t, 20, w.ok("GET", "/api/v1/callbacks?job=users&queue=slow", "").Total)
}

// TestAnOrderIsNotedThatBeginsWithNothingToDo: what stands first in its way hides neither the act nor who did it.
func TestAnOrderIsNotedThatBeginsWithNothingToDo(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t, redistest.Shared(t))
	const many = 3000
	w.redis(func(ctx context.Context, pipe redis.Pipeliner) {
		for i := range many {
			id := fmt.Sprintf("far:db.user:%d", i)
			pipe.HSet(ctx, w.key("callback:"+id), "destination", "far", "key", i, "type", 1)
			if i < 10 {
				pipe.HSet(ctx, w.key("callback:"+id), "hold", "eva")
			}
			pipe.LPush(ctx, w.key("callbacks:far"), id) // those that are held fall due first, and are looked at last
		}
	})
	first := w.ok("POST", "/api/v1/callbacks/unpark", `{"job":"users","queue":"due"}`)
	require.Equal(t, map[string]int{"due": 2000}, first.Did)
	last := w.ok("POST", "/api/v1/callbacks/unpark", fmt.Sprintf(`{"job":"users","queue":"due","before":%d}`, first.Left))
	require.Equal(t, map[string]int{"due": 990, "done": 10}, last.Did)
	require.Equal(t, []string{"unpark"}, kinds(w.ok("GET", "/api/v1/events?job=users", "").Events))

	ids := `"far:db.user:2999"`
	for i := range 500 {
		ids = fmt.Sprintf(`"gone:%d",`, i) + ids
	}
	require.Equal(t, 1, w.ok("POST", "/api/v1/callbacks/drop", `{"job":"users","reason":"x","ids":[`+ids+`]}`).Did["done"])
	require.Equal(t, []string{"drop", "unpark"}, kinds(w.ok("GET", "/api/v1/events?job=users", "").Events))
}

// TestAMillionCallbacksCostRedisLittle looks at the processor time that Redis needs for each request.
func TestAMillionCallbacksCostRedisLittle(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	w := newAPIWorld(t, server)
	const many = 1_000_000
	for first := 0; first < many; first += 50_000 {
		require.NoError(t, server.Client.Eval(t.Context(), `
			for i = ARGV[1] + 1, ARGV[1] + 50000 do
				local id = 'far:db.user:' .. i
				redis.call('ZADD', KEYS[1], i * 1e6, id)
				local seen = i <= 5000 or i > 980000 -- the others are only in the way
				if seen then redis.call('HSET', ARGV[2] .. id, 'destination', 'far', 'key', i, 'type', '1', 'attempts', '4') end -- of if
			end
			return 1`, []string{w.key("callbacks:slow")}, first, w.key("callback:")).Err())
	}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/api/v1/overview", ""},
		{"GET", "/api/v1/queues", ""},
		{"GET", "/api/v1/callbacks?job=users&queue=slow&first=999000&limit=1000", ""},
		{"GET", "/api/v1/callbacks?job=users&queue=slow&destination=near&limit=1000", ""},
		{"GET", "/api/v1/events", ""},
		{"POST", "/api/v1/callbacks/park", `{"job":"users","queue":"slow","reason":"all of them"}`},
		{"POST", "/api/v1/callbacks/unpark", `{"job":"users","queue":"parked"}`},
		{"POST", "/api/v1/callbacks/retry", `{"job":"users","queue":"slow"}`},
		{"POST", "/api/v1/callbacks/drop", `{"job":"users","queue":"slow","destination":"far","reason":"all of them"}`},
	} {
		before := server.CPU(t)
		w.ok(c.method, c.path, c.body)
		took := server.CPU(t) - before
		require.Less(t, took, 200*time.Millisecond, "%s %s", c.method, c.path)
		t.Logf("%-7s of Redis for %s %s", took, c.method, c.path)
	}
}

func TestARescanIsBegunOverTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, upTo(300)...)
	w.insert(w.far, upTo(300)...)
	w.job.RangeRows = 100
	c := w.config(w.job)
	p := w.runConfig(app.Both, c)
	w.done(300)
	post := func(body string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.Addr()+"/api/v1/rescan", strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Cupid-User", "eva")
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	status, text := post(`{"job":"shop","from":"abc"}`)
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, text, "want a whole number")
	status, text = post(`{"from":"1","to":"150","reason":"restored"}`)
	require.Equal(t, http.StatusAccepted, status, text)
	w.until(func() bool { return w.stat("rows") >= 450 }, "150 rows are compared again")
	b := broker.Open(w.redis, broker.Options{})
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	var events []job.Event
	w.until(func() bool {
		events, _ = b.Events(context.Background(), "shop", 10)
		return len(events) == 2
	}, "its begin and its end are events")
	require.Regexp(t, `^rescan-\d+: keys 1 to 150: restored$`, events[1].What)
	require.Equal(t, "eva from 127.0.0.1", events[1].Who)
	require.Contains(t, events[0].What, "ranges pushed, up to 150")
}

// TestTheAPINamesTheReceiverThatIsDown follows a real fleet from a receiver that fails to one that repairs.
func TestTheAPINamesTheReceiverThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().Limit = job.Calls{BreakAfter: 5}
	w.receiver.Behave(callbacktest.Always(http.StatusServiceUnavailable))
	w.insert(w.source, upTo(60)...)
	p := w.runConfig(app.Both, w.config(w.job))
	var o admin.Overview
	look := func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr()+"/api/v1/overview", http.NoBody)
		require.NoError(t, err)
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		o = admin.Overview{}
		return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(&o) == nil
	}
	w.until(func() bool {
		return look() && len(o.Troubles) > 0 && o.Troubles[0].Kind == admin.ReceiverDown && o.Troubles[0].Count == 60
	}, "its trouble comes first")
	down := o.Troubles[0]
	require.Equal(t, strings.TrimPrefix(w.receiver.URL, "http://"), down.Endpoint)
	require.Equal(t, "shop", down.Job)
	require.Contains(t, down.Text, "http_503")
	require.Equal(t, []admin.Destination{{Name: "far", Receiver: down.Endpoint}}, o.Jobs[0].Destinations)

	w.receiver.Behave(w.repairing())
	w.until(func() bool { return look() && len(o.Troubles) == 0 && o.Jobs[0].Open == 0 }, "all is well again, by itself")
	w.equal()
}
