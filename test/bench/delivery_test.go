//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/mysqltest"
)

// callbacks is how many are delivered, from CALLBACKS.
func callbacks(t *testing.T) int { t.Helper(); return setting(t, "CALLBACKS", 50_000) }

// concurrency is how many POSTs a worker has in flight to a receiver.
const concurrency = 16

func count(t *testing.T, r *repairer) (n int) {
	t.Helper()
	require.NoError(t, r.far.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+r.table).Scan(&n))
	return n
}

// bareLoop delivers the bodies with a Go client, and waits for their repair.
func bareLoop(t *testing.T, r *repairer, n, atOnce int) time.Duration {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: atOnce}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range atOnce {
		all.Go(func() {
			for id := next.Add(1); id <= int64(n); id = next.Add(1) {
				body := fmt.Appendf(nil, `{"type":1,"srcColumn":{"id":"%d","number":"n%d","name":"name of %d"}}`, id, id, id)
				answer, err := client.Post(r.URL, "application/json", bytes.NewReader(body)) //nolint:noctx // it ends with the receiver
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
		})
	}
	all.Wait()
	eventually.Until(t, time.Minute, func() bool { return count(t, r) == n }, "the bare loop's rows are there")
	return time.Since(began)
}

// newShops gives a source with n rows and an empty database for destinations. Their names are short, as those of
// people are: each callback's id has its table's in it, and Redis keeps and logs it several times.
func newShops(t *testing.T, n int) (source, far *mysqltest.Database) {
	t.Helper()
	server := mysqltest.Start(t, mysqltest.Options{})
	source, far = server.Named(t, "mall"), server.Named(t, "mall_copy")
	source.Exec(t, fmt.Sprintf(shop, "shop"))
	source.Exec(t, fmt.Sprintf("INSERT INTO shop SELECT seq, CONCAT('n', seq), CONCAT('name of ', seq) FROM seq_1_to_%d", n))
	return source, far
}

// newShop is the receiver of an empty destination.
func newShop(t *testing.T, far *mysqltest.Database, table string, takes time.Duration) *repairer {
	t.Helper()
	far.Exec(t, "DROP TABLE IF EXISTS "+table)
	far.Exec(t, fmt.Sprintf(shop, table))
	return newRepairer(t, far, table, takes)
}

// TestDelivery measures open callbacks until all are delivered, repaired, read
// equal and closed, between two bare loops over the same receiver: a machine's
// speed changes within a minute.
func TestDelivery(t *testing.T) {
	n := callbacks(t)
	source, far := newShops(t, n)
	r := newShop(t, far, "shop", 0)
	bare := bareLoop(t, r, n, workers*concurrency)
	far.Exec(t, "TRUNCATE shop")
	r.forget()
	options := func(int) string { return fmt.Sprintf("concurrency: %d", concurrency) }

	c := openChannel(t, source, n, []*repairer{r}, options)
	before := c.usage(t)
	eventually.Until(t, 30*time.Minute, slowly(func() bool { return c.posts() > 0 && c.open(t) == 0 }), "all callbacks are closed")
	took := time.Since(r.arrivals()[0])
	after, posts, memory := c.usage(t), c.posts(), c.memory
	require.Equal(t, n, count(t, r))
	c.end(t)
	far.Exec(t, "TRUNCATE shop")
	r.forget()
	again := bareLoop(t, r, n, workers*concurrency)

	// Once more and slower, with Redis telling of each command.
	few := n / 10
	source.Exec(t, fmt.Sprintf("DELETE FROM shop WHERE id > %d", few))
	far.Exec(t, "TRUNCATE shop")
	r.forget()
	c = openChannel(t, source, few, []*repairer{r}, options)
	sent := monitored(t, c.redis.Addr)
	eventually.Until(t, 30*time.Minute, slowly(func() bool { return c.posts() > 0 && c.open(t) == 0 }), "all callbacks are closed")
	commands := sent()

	each := func(n int64, of int) string { return fmt.Sprintf("%.3g", float64(n)/float64(of)) }
	perSecond := func(d time.Duration) string { return fmt.Sprintf("%.0f/s", float64(n)/d.Seconds()) }
	micros := func(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d.Microseconds())/float64(n)) }
	table(t, fmt.Sprintf("%d callbacks, %d workers, %d POSTs at once each; MariaDB, Redis (AOF), receiver and workers share the machine.", n, workers, concurrency), [][2]string{
		{"bare loop before: POST and repair", perSecond(bare)},
		{"delivered, repaired, read equal and closed", perSecond(took)},
		{"bare loop behind it", perSecond(again)},
		{"ratio to the mean of both", fmt.Sprintf("%.2f", (bare+again).Seconds()/2/took.Seconds())},
		{"POSTs per callback", each(int64(posts), n)},
		{"queries per callback", each(after.selects-before.selects, n)},
		{"scripts run in Redis per callback", each(after.scripts-before.scripts, n)},
		{"commands that these scripts run, per callback", each(after.commands-before.commands, n)},
		{"commands sent to Redis per callback, scripts and all", each(int64(commands), few)},
		{"CPU of Redis per callback", micros(after.redis - before.redis)},
		{"CPU of the workers per callback", micros(after.cpu - before.cpu)},
		{"memory in Redis per open callback", fmt.Sprintf("%.0f bytes", float64(memory)/float64(n))},
	})
}
