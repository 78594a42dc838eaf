package app_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// TestALargeFleetIsShownAtLittleCost: with 100 jobs, 50 workers and a million open callbacks no page
// and no scrape keeps Redis for 200 ms, by Redis' own measure.
func TestALargeFleetIsShownAtLittleCost(t *testing.T) {
	t.Parallel()
	const jobs, workers, open, most = 100, 50, 1_000_000, 200 * time.Millisecond
	server := redistest.Start(t, redistest.Options{}) // of its own, whose time nobody else takes
	w := newAPIWorld(t, server)
	now := time.Now()
	w.wait("slow", 1000) // with hashes, for the pages
	for n := range jobs {
		w.redis(func(ctx context.Context, pipe redis.Pipeliner) {
			name := fmt.Sprintf("job%02d", n)
			if n == 0 {
				name = "users"
			}
			key := w.prefix + "{" + name + "}:"
			pipe.SAdd(ctx, w.prefix+"jobs", name)
			pipe.HSet(ctx, key+"spec", "destinations", "far near", "identity", name)
			pipe.HSet(ctx, key+"stats", "rows", 10)
			for i := range 1000 { // as many as may wait
				id := fmt.Sprintf("insert:db.user:%d..%d", i, i+1)
				pipe.LPush(ctx, key+"ranges", id)
				pipe.HSet(ctx, key+"range:"+id, "since", now.Add(-10*time.Minute).UnixMilli())
				pipe.LPush(ctx, key+"events", fmt.Sprintf(`{"at":%d,"kind":"retry","who":"eva","what":"all of the queue slow"}`, now.UnixMilli()))
			}
			for _, queue := range []string{"slow", "retry", "verify", "parked"} {
				for first := 0; first < open/jobs/4; first += 500 {
					members := make([]redis.Z, 500)
					for i := range members {
						members[i] = redis.Z{Score: float64(now.Add(2*time.Hour + time.Duration(first+i)*time.Second).UnixMilli()), Member: fmt.Sprintf("far:db.user:%s%d", queue, 10_000+first+i)}
					}
					pipe.ZAdd(ctx, key+"callbacks:"+queue, members...)
				}
				pipe.HSet(ctx, fmt.Sprintf("%scallback:far:db.user:%s10000", key, queue), "destination", "far", "first_seen", now.Add(-time.Hour).UnixMilli())
			}
		})
	}
	w.redis(func(ctx context.Context, pipe redis.Pipeliner) {
		for n := range workers {
			id := fmt.Sprintf("node:%d", n)
			pipe.HSet(ctx, w.prefix+"process:"+id, "role", "worker", "host", "node", "pid", n, "started", now.UnixMilli())
			pipe.ZAdd(ctx, w.prefix+"processes", redis.Z{Score: float64(time.Now().Add(time.Hour).UnixMilli()), Member: id})
		}
	})

	tried := map[string]bool{}
	cost := func(what string, do func()) {
		t.Helper()
		clear(w.seen)
		defer func() { maps.Copy(tried, w.seen) }()
		time.Sleep(time.Second + 100*time.Millisecond) // what was just read counts for a second
		before, began := server.CPU(t), time.Now()
		do()
		took := server.CPU(t) - before
		t.Logf("%-50s %8s of Redis, answered in %s", what, took, time.Since(began).Round(time.Millisecond))
		require.Less(t, took, most, what)
	}
	cost("/metrics", func() {
		text := scrape(t, w.addr)
		require.True(t, strings.Contains(text, `cupid_queue_depth{job="job99",queue="callbacks_slow"} 2500`), "the figures are right") //nolint:testifylint // the whole text would be shown
		require.Contains(t, regexp.MustCompile(`cupid_queue_oldest_seconds{job="job99",queue="ranges".*`).FindString(text), "} 6")
		require.Regexp(t, `cupid_queue_oldest_seconds\{job="job99",queue="callbacks_retry"\} 36\d\d`, regexp.MustCompile(`cupid_queue_oldest_seconds{job="job99",queue="callbacks_retry.*`).FindString(text))
	})
	cost("overview", func() {
		o := w.ok("GET", "/api/v1/overview", "")
		require.Len(t, o.Jobs, jobs+1, "and the other config's")
		sum := int64(0)
		for _, j := range o.Jobs {
			sum += j.Open
		}
		require.EqualValues(t, open*3/4+1000, sum)
	})
	cost("the stream's first news", func() { require.Contains(t, w.firstNews(), `"job99"`) })
	cost("/status, as cupid status, jobs and workers ask", func() {
		s, err := app.OperateAt(w.addr, tokenOfTests).Status(t.Context())
		require.NoError(t, err)
		require.Len(t, s.Jobs, jobs+1)
	})
	cost("queues", func() { w.ok("GET", "/api/v1/queues", "") })
	cost("workers", func() { w.ok("GET", "/api/v1/workers", "") })
	cost("jobs", func() { w.ok("GET", "/api/v1/jobs", "") })
	cost("endpoints", func() { w.ok("GET", "/api/v1/endpoints", "") })
	cost("history", func() { w.ok("GET", "/api/v1/history", "") })
	cost("a page of 1000 ranges", func() {
		require.Len(t, w.ok("GET", "/api/v1/ranges?job=users&queue=waiting&limit=1000", "").Ranges, 1000)
	})
	cost("a page of 1000 callbacks", func() {
		require.Len(t, w.ok("GET", "/api/v1/callbacks?job=users&queue=slow&limit=1000", "").Callbacks, 1000)
	})
	cost("a page of one destination, behind 2000 others", func() {
		w.ok("GET", "/api/v1/callbacks?job=users&queue=slow&destination=near&first=1000&limit=1000", "")
	})
	cost("events of all jobs", func() { w.ok("GET", "/api/v1/events?limit=1000", "") })
	cost("one callback", func() { w.ok("GET", "/api/v1/callback?job=users&id=far:db.user:slow0", "") })
	cost("session", func() { w.ok("GET", "/api/v1/session", "") })
	for _, elsewhere := range []string{"stream", "openapi"} { // above, and no question to Redis
		tried[elsewhere] = true
	}
	w.each(func(method, path, operation string) {
		require.True(t, method != http.MethodGet || tried[operation], "%s %s was not weighed", method, path)
	})
}
