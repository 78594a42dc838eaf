//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// TestALongOutageIsWaitedFor has a server die, or hang, in the middle of the work: processes live, are not ready, say so
// now and then, and go on by themselves. OUTAGE_SECONDS are 65; from 150 on, any turn of a loop would have to be over.
func TestALongOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	lasts := 65 * time.Second
	if text := os.Getenv("OUTAGE_SECONDS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, "OUTAGE_SECONDS")
		lasts = time.Duration(n) * time.Second
	}
	for name, c := range map[string]struct {
		begin, end func(w *fleet.World) func(testing.TB)
		thing      string
	}{
		"redis is gone": {
			func(w *fleet.World) func(testing.TB) { return w.Redis.Kill }, func(w *fleet.World) func(testing.TB) { return w.Redis.Restart }, "redis",
		},
		"redis hangs": {
			func(w *fleet.World) func(testing.TB) { return w.Redis.Pause }, func(w *fleet.World) func(testing.TB) { return w.Redis.Resume }, "redis",
		},
		"the database is gone": {
			func(w *fleet.World) func(testing.TB) { return w.MySQL.Kill }, func(w *fleet.World) func(testing.TB) { return w.MySQL.Restart }, "database",
		},
		"the database hangs": {
			func(w *fleet.World) func(testing.TB) { return w.MySQL.Pause }, func(w *fleet.World) func(testing.TB) { return w.MySQL.Resume }, "database",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fleet.NewWorld(t)
			w.Fill(t, 1, rows)
			w.CopyAll(t)
			w.Exec(t, "UPDATE db2.user SET name = 'lost' WHERE own_id % 10 = 0")
			w.Receiver.Behave(callbacktest.Repair(w.Repair))
			config := w.SeedConfig(t, `"verifyDelaySecond": 1`, `"update": false`)
			processes := launch(t, w, config, 1, 2, "CUPID_LEASE=10s", "CUPID_JOBS_0_RANGE_ROWS=100")
			w.Receiver.WaitFor(t, 20, 2*time.Minute)
			c.begin(w)(t)
			began := time.Now()
			told := map[*fleet.Process]int{}
			for _, p := range processes {
				told[p] = len(p.Output())
				p.WaitForStatus(t, "/readyz", http.StatusServiceUnavailable, time.Minute)
			}
			eventually.Until(t, 2*lasts, func() bool {
				for _, p := range processes {
					status, why := p.Get("/livez")
					require.Equal(t, http.StatusOK, status, "%s: %s", p.Name, why)
				}
				time.Sleep(500 * time.Millisecond)
				return time.Since(began) > lasts
			}, "it lasts")
			for _, p := range processes {
				status, why := p.Get("/readyz")
				require.Equal(t, http.StatusServiceUnavailable, status)
				require.Contains(t, why, c.thing)
				said := strings.Split(p.Output()[told[p]:], "\n")
				var warned []string
				for _, line := range said {
					if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
						warned = append(warned, line)
					}
				}
				require.LessOrEqual(t, len(warned), 2+int(time.Since(began)/(30*time.Second)), "%s: %s", p.Name, strings.Join(warned, "\n"))
			}
			c.end(w)(t)
			fleet.WaitForReady(t, processes...)
			w.WaitUntilSettled(t, 3*time.Minute)
		})
	}
}
