package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
)

// onRedis is a world whose fleet uses another Redis than the tests' own; raw is
// the server that holds the job's keys.
func onRedis(t *testing.T, c broker.Config, raw *redistest.Server) *world {
	t.Helper()
	server := mysqltest.Shared(t)
	w := bareWorld(t, server.Database(t), server.Database(t), redistest.Shared(t))
	w.server = raw
	w.source.Exec(t, table)
	w.far.Exec(t, table)
	c.Prefix = w.prefix
	w.redis = c
	w.job.RangeRows = 100
	w.callback().Retry = 200 * time.Millisecond
	w.receiver.Behave(w.repairing())
	return w
}

func TestAFailoverOfSentinelsLosesNothing(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinels(t)
	w := onRedis(t, broker.Config{Addrs: s.Addrs, Master: redistest.Master}, s.Primary)
	w.run(app.Scheduler)
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.run(app.Worker)
	for n := range 30 { // some before, some while nobody answers, some after
		w.insert(w.source, 100*n+1, 100*n+2, 100*n+3)
		switch n {
		case 8:
			s.Primary.Kill(t)
		case 20:
			w.until(func() bool {
				return strings.Contains(s.Replica.Client.Info(t.Context(), "replication").Val(), "role:master")
			}, "the replica is the primary")
			s.Primary.Restart(t) // and becomes a replica, which refuses writes
		}
		pass(100 * time.Millisecond)
	}
	w.equalInTheEnd()
	w.server = s.Replica
	w.until(func() bool { return len(w.work()) == 0 }, "nothing is left")
}

func TestASlotThatMovesLosesNothing(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3)
	w := onRedis(t, broker.Config{Addrs: c.Addrs()}, c.Nodes[0])
	w.run(app.Scheduler)
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.run(app.Worker)
	key, id := w.key("cursor"), 0
	for n := range 30 {
		w.insert(w.source, id+1, id+2, id+3)
		id += 3
		if n%10 == 5 { // there, and on, and back
			c.Move(t, key, (c.Owner(t, key)+1)%3, func() {
				id++
				w.insert(w.source, id)
			})
		}
		pass(50 * time.Millisecond)
	}
	w.equalInTheEnd()
	w.server = c.Nodes[c.Owner(t, key)]
	w.until(func() bool { return len(w.work()) == 0 }, "nothing is left")
}

func TestANodeOfAClusterThatDiesIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3)
	w := onRedis(t, broker.Config{Addrs: c.Addrs()[:1], Cluster: true}, c.Nodes[0]) // one endpoint is enough
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.insert(w.source, 1, 2, 3)
	w.equalInTheEnd()
	owner := c.Nodes[c.Owner(t, w.key("cursor"))]
	owner.Kill(t)
	w.insert(w.source, 4, 5, 6)
	pass(3 * time.Second)
	owner.Restart(t)
	w.equalInTheEnd()
}

// equalInTheEnd waits until both tables are equal.
func (w *world) equalInTheEnd() {
	w.t.Helper()
	w.until(func() bool {
		count := func(db *mysqltest.Database) (n int) {
			_ = db.DB.QueryRowContext(w.t.Context(), "SELECT COUNT(*) FROM shop").Scan(&n)
			return n
		}
		return count(w.source) == count(w.far)
	}, "every row has arrived")
	w.equal()
}
