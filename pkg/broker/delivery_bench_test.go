package broker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// BenchmarkDelivery takes callbacks the whole way in batches, as a worker does: promoted, leased, sent, promoted, leased,
// closed. It reports the processor time that Redis takes for each, which does not depend on what else runs.
func BenchmarkDelivery(b *testing.B) {
	const batch = 200
	server := redistest.Start(b, redistest.Options{AOF: true})
	q, err := open(b, server.Addr, "").Queue(QueueConfig{
		Job: "db.user", Spec: testSpec, Destinations: []string{"db2.user"},
		Limits: Limits{MaxRanges: 5, MaxCallbacks: 1 << 20}, Lease: time.Minute,
	})
	require.NoError(b, err)
	require.NoError(b, q.Register(b.Context(), "scheduler-1"))
	put := func(n int) {
		all := make([]job.Difference, n)
		for i := range all {
			all[i] = job.Difference{
				Destination: "db2.user", Shard: job.Shard{Database: "db", Table: "user"}, Key: fmt.Sprint(1000000 + i), Type: job.Missing, SourceHash: "0123456789abcdef",
			}
		}
		for portion := range slices.Chunk(all, batch) {
			require.NoError(b, q.PutAgain(b.Context(), portion))
		}
	}
	deliver := func(then func(*job.LeasedCallback) job.Settlement) {
		for {
			promoted, err := q.Promote(b.Context(), time.Hour)
			require.NoError(b, err)
			for left := promoted.Moved; left > 0; left -= batch {
				leased, err := q.FetchCallbacks(b.Context(), "db2.user", "host:4711", batch)
				require.NoError(b, err)
				settlements := make([]job.Settlement, len(leased))
				for i := range leased {
					settlements[i] = then(&leased[i])
				}
				_, err = q.Settle(b.Context(), settlements)
				require.NoError(b, err)
			}
			if promoted.Moved == 0 {
				return
			}
		}
	}
	var inRedis time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		put(20 * batch)
		n += 20 * batch
		before := server.CPU(b)
		b.StartTimer()
		deliver(func(c *job.LeasedCallback) job.Settlement {
			if c.Phase != job.Verify {
				c.Posted, c.Status = true, "200"
				return job.Settlement{Callback: *c, To: job.Verify, Counters: "delivered"}
			}
			return job.Settlement{Callback: *c, To: job.Closed, Counters: "closed_equal"}
		})
		b.StopTimer()
		inRedis += server.CPU(b) - before
		b.StartTimer()
	}
	b.ReportMetric(float64(inRedis.Microseconds())/float64(n), "redis-µs/callback")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/callback")
}
