package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// scrape reads the metrics of a process.
func scrape(t *testing.T, addr string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	return string(text)
}

// TestMetrics are what Prometheus' own linter wants, begin at zero, show what
// stands in Redis, and are all that the rules and the dashboard ask for.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, upTo(20)...)
	w.receiver.Behave(w.repairing())
	scheduler := w.runConfig(app.Scheduler, w.config(w.job))
	worker := w.runConfig(app.Worker, w.config(w.job))
	w.done(20)
	var both string
	w.until(func() bool {
		both = scrape(t, scheduler.Addr()) + scrape(t, worker.Addr())
		return strings.Contains(both, `cupid_job_led{job="shop"} 1`)
	}, "the scheduler shows that it leads")
	for _, line := range []string{
		`cupid_rows_compared_total{destination="far",job="shop"} 20`, `cupid_rows_unexplained_total{destination="far",job="shop"} 0`,
		`cupid_callback_seconds_count{destination="far",job="shop",outcome="failed"} 0`, `cupid_leases_reclaimed_total{job="shop",kind="range"} 0`,
		`cupid_queue_depth{job="shop",queue="callbacks_slow"} 0`, `cupid_callbacks_open{job="shop"} 0`, `cupid_job_paused{job="shop"} 0`,
		`cupid_queue_oldest_seconds{job="shop",queue="callbacks_slow"} 0`, `cupid_promote_lag_seconds{job="shop"} 0`, `cupid_scan_cursor{job="shop",scan="insert"} 20`,
		`cupid_callback_retry_age_seconds_count{destination="far",job="shop"} 0`,
		`cupid_callback_attempts_total{class="2xx",receiver="` + strings.TrimPrefix(w.receiver.URL, "http://") + `"} 20`,
		`cupid_callback_attempts_total{class="none",receiver="` + strings.TrimPrefix(w.receiver.URL, "http://") + `"} 0`,
		`cupid_redis_script_errors_total{script="claim"} 0`, `cupid_database_query_seconds_count{kind="other"} `, `cupid_redis_seconds_count `,
		`cupid_destination_held{destination="far",job="shop"} 0`,
	} {
		require.True(t, strings.Contains(both, line), line) //nolint:testifylint // the whole text would be shown
	}
	for name, least := range map[string]int{`cupid_ranges_claimed_total{job="shop"}`: 1, `cupid_database_query_seconds_count{kind="bounds"}`: 1, `cupid_database_query_seconds_count{kind="lookup"}`: 1, `cupid_leases_total{job="shop",kind="callback"}`: 20} {
		most := 0
		for _, m := range regexp.MustCompile(regexp.QuoteMeta(name)+` (\d+)`).FindAllStringSubmatch(both, -1) {
			n, err := strconv.Atoi(m[1])
			require.NoError(t, err)
			most = max(most, n)
		}
		require.GreaterOrEqual(t, most, least, name)
	}
	for _, p := range []*process{scheduler, worker} {
		problems, err := promlint.New(strings.NewReader(scrape(t, p.Addr()))).Lint()
		require.NoError(t, err)
		require.Empty(t, problems)
	}

	asked := regexp.MustCompile(`cupid_[a-z_]+`)
	for _, path := range []string{"../../deploy/prometheus/alerts.yml", "../../deploy/grafana/cupid.json"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, name := range asked.FindAllString(string(text), -1) {
			require.True(t, strings.Contains(both+" cupid_alert_messages_total cupid_database_wait_seconds_total cupid_receiver_down cupid_scan_lag", name), "%s in %s", name, path) //nolint:testifylint // as above
		}
	}
	text, err := os.ReadFile("../../deploy/grafana/cupid.json")
	require.NoError(t, err)
	require.True(t, json.Valid(text))
}

// TestAReceiverThatIsDownIsAMetric as long as its breaker is open.
func TestAReceiverThatIsDownIsAMetric(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.insert(w.source, upTo(20)...)
	w.receiver.Behave(callbacktest.Always(http.StatusInternalServerError))
	w.callback().Limit.BreakAfter = 2
	scheduler := w.runConfig(app.Scheduler, w.config(w.job))
	w.run(app.Worker)
	line := `cupid_receiver_down{receiver="` + strings.TrimPrefix(w.receiver.URL, "http://") + `"} 1`
	w.until(func() bool { return strings.Contains(scrape(t, scheduler.Addr()), line) }, line)
}
