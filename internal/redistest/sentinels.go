package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Master is the name by which [Sentinels] know their primary.
const Master = "cupid"

// Sentinels are three that watch a primary and its replica.
type Sentinels struct {
	Addrs            []string // of the sentinels
	Primary, Replica *Server  // as they began
}

// StartSentinels starts a primary, a replica of it, and three sentinels that
// take the primary for dead after a second. All are stopped when t ends.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{Primary: Start(t, Options{AOF: true})}
	host, port, err := net.SplitHostPort(s.Primary.Addr)
	require.NoError(t, err)
	s.Replica = Start(t, Options{AOF: true, ExtraArgs: []string{"--replicaof", host + " " + port}})
	for range 3 {
		conf := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]s 2\nsentinel down-after-milliseconds %[1]s 1000\nsentinel failover-timeout %[1]s 5000\n", Master, host, port)
		s.Addrs = append(s.Addrs, Start(t, Options{sentinel: conf}).Addr)
	}
	require.Eventually(t, func() bool {
		text := s.Replica.Client.Info(t.Context(), "replication").Val()
		return strings.Contains(text, "master_link_status:up")
	}, patience, 20*time.Millisecond, "the replica follows")
	for _, addr := range s.Addrs {
		c := client(addr)
		t.Cleanup(func() { _ = c.Close() })
		require.Eventually(t, func() bool {
			known, err := c.Do(t.Context(), "SENTINEL", "CKQUORUM", Master).Text()
			replicas, bad := c.Do(t.Context(), "SENTINEL", "REPLICAS", Master).Slice()
			return err == nil && bad == nil && strings.HasPrefix(known, "OK 3 usable") && len(replicas) == 1
		}, patience, 50*time.Millisecond, "the sentinels know each other and the replica")
	}
	return s
}
