package redistest

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// slots is how many a cluster has.
const slots = 16384

// Cluster is one of primaries without replicas.
type Cluster struct {
	Nodes []*Server
	ids   []string // of the nodes
}

// StartCluster starts a cluster of so many primaries, which share the slots
// evenly. It is stopped when t ends.
func StartCluster(t testing.TB, primaries int) *Cluster {
	t.Helper()
	c := &Cluster{}
	for n := range primaries {
		node := Start(t, Options{AOF: true, ExtraArgs: []string{"--cluster-enabled", "yes", "--cluster-node-timeout", "1000"}})
		require.NoError(t, node.Client.ClusterAddSlotsRange(t.Context(), n*slots/primaries, (n+1)*slots/primaries-1).Err())
		if n > 0 {
			host, port, err := net.SplitHostPort(c.Nodes[0].Addr)
			require.NoError(t, err)
			require.NoError(t, node.Client.ClusterMeet(t.Context(), host, port).Err())
		}
		id, err := node.Client.Do(t.Context(), "CLUSTER", "MYID").Text()
		require.NoError(t, err)
		c.Nodes, c.ids = append(c.Nodes, node), append(c.ids, id)
	}
	require.Eventually(t, func() bool {
		return !slices.ContainsFunc(c.Nodes, func(node *Server) bool {
			info := node.Client.ClusterInfo(t.Context()).Val()
			return !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_assigned:16384")
		})
	}, patience, 50*time.Millisecond, "the cluster is whole")
	return c
}

// Addrs are those of the nodes.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		addrs[i] = node.Addr
	}
	return addrs
}

// Owner is the number of the node that holds a key's slot.
func (c *Cluster) Owner(t testing.TB, key string) int {
	t.Helper()
	for n, node := range c.Nodes {
		if node.Client.Exists(t.Context(), key).Err() == nil { // the others say MOVED
			return n
		}
	}
	require.FailNow(t, "no node holds the slot")
	return -1
}

// Move migrates the slot of a key to another node, key by key, as a resharding
// does, and calls between after each portion.
func (c *Cluster) Move(t testing.TB, key string, to int, between func()) {
	t.Helper()
	from := c.Owner(t, key)
	ctx := t.Context()
	slot, err := c.Nodes[0].Client.ClusterKeySlot(ctx, key).Result()
	require.NoError(t, err)
	source, target := c.Nodes[from].Client, c.Nodes[to].Client
	set := func(on *redis.Client, args ...any) {
		t.Helper()
		require.NoError(t, on.Do(ctx, append([]any{"CLUSTER", "SETSLOT", slot}, args...)...).Err())
	}
	set(target, "IMPORTING", c.ids[from])
	set(source, "MIGRATING", c.ids[to])
	host, port, err := net.SplitHostPort(c.Nodes[to].Addr)
	require.NoError(t, err)
	for {
		keys, err := source.ClusterGetKeysInSlot(ctx, int(slot), 5).Result()
		require.NoError(t, err)
		if len(keys) == 0 {
			break
		}
		args := []any{"MIGRATE", host, port, "", 0, 5000, "KEYS"}
		for _, k := range keys {
			args = append(args, k)
		}
		require.NoError(t, source.Do(ctx, args...).Err())
		between()
	}
	set(target, "NODE", c.ids[to])
	for _, node := range c.Nodes {
		if node != c.Nodes[to] {
			set(node.Client, "NODE", c.ids[to])
		}
	}
}
