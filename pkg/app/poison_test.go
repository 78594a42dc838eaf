package app_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
)

// poisons are what a row does when it is read.
var poisons = map[string]string{
	"refused":  "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a bad row'",
	"too slow": "DO SLEEP(30)",
}

// poison makes one row of the source do this when its name is read.
func (w *world) poison(id int, what string) {
	w.t.Helper()
	w.poisonView(what, `id, number, `+fmt.Sprintf("IF(id = %d, poison(), name)", id)+` AS name, updated`)
}

// poisonBody makes it do this when a column is read that is not compared.
func (w *world) poisonBody(id int, what string) {
	w.t.Helper()
	w.poisonView(what, `id, number, name, updated, `+fmt.Sprintf("IF(id = %d, poison(), 'x')", id)+` AS more`)
}

func (w *world) poisonView(what, columns string) {
	w.t.Helper()
	w.source.Exec(w.t, `RENAME TABLE shop TO base;
		CREATE FUNCTION poison() RETURNS VARCHAR(40) BEGIN `+what+`; RETURN 'x'; END;
		CREATE VIEW shop AS SELECT `+columns+` FROM base`)
}

// cure puts the table back.
func (w *world) cure() {
	w.t.Helper()
	w.source.Exec(w.t, "DROP VIEW shop; RENAME TABLE base TO shop; DROP FUNCTION poison")
}

// A row that cannot be read is narrowed down to a range of its own and set aside; all others go on. Once it is
// mended, and people say so, it is done as well.
func TestARowThatCannotBeReadStopsNoOther(t *testing.T) {
	t.Parallel()
	for name, what := range poisons {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			const rows, bad = 200, 77
			w.insert(w.source, upTo(rows)...)
			w.poison(bad, what)
			w.receiver.Behave(w.repairing())
			w.job.Lenient, w.callback().Timeout = true, 300*time.Millisecond
			c := w.config(w.job)
			c.Process.Lease = 3 * time.Second
			w.runConfig(app.Both, c)
			parked := w.key("ranges:parked")
			w.until(func() bool {
				return w.server.Client.ZCard(t.Context(), parked).Val() == 1 && w.stat("closed_equal") == rows-1
			}, "all others are closed")
			id := fmt.Sprintf("insert:%s.shop:%d..%d", w.job.Source.Shard.Database, bad-1, bad)
			require.Equal(t, []string{id}, w.server.Client.ZRange(t.Context(), parked, 0, -1).Val())
			w.alerted("stalled")
			require.ElementsMatch(t, []string{"ranges:parked", "range:" + id}, w.work())

			w.cure()
			b := broker.Open(w.redis, broker.Options{})
			t.Cleanup(func() { require.NoError(t, b.Close()) })
			q, err := b.Queue(broker.QueueConfig{Job: w.job.Name})
			require.NoError(t, err)
			moved, err := q.UnparkRanges(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, moved)
			w.done(rows)
			w.equal()
			require.Len(t, w.receiver.Counts("id"), rows)
		})
	}
}

// A row that can be compared and not be sent: the others of its batch are, it waits for its turn among the slow ones, and
// people are told.
func TestACallbackThatCannotBeReadStopsNoOther(t *testing.T) {
	t.Parallel()
	for name, what := range poisons {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			const rows, bad = 200, 77
			w.insert(w.source, upTo(rows)...)
			w.poisonBody(bad, what)
			w.receiver.Behave(w.repairing())
			w.job.Lenient = true
			w.callback().SlowRetry, w.callback().Timeout = time.Hour, 300*time.Millisecond
			c := w.config(w.job)
			c.Process.Lease = 3 * time.Second
			w.runConfig(app.Both, c)
			w.until(func() bool { return w.stat("closed_equal") == rows-1 }, "all others are closed")
			w.until(func() bool { return w.item(bad)["phase"] == "slow" }, "it is slow")
			item := w.item(bad)
			require.Equal(t, []string{"unreadable", "0", "slow"}, []string{item["error"], item["attempts"], item["trouble"]})
			require.Zero(t, w.receiver.Counts("id")[callbacktest.Key{ID: fmt.Sprint(bad), Type: 1}])
			w.alerted("slow")

			w.cure()
			slow := w.key("callbacks:slow")
			require.NoError(t, w.server.Client.ZAdd(t.Context(), slow, redis.Z{Member: w.server.Client.ZRange(t.Context(), slow, 0, 0).Val()[0]}).Err())
			w.done(rows)
			w.equal()
		})
	}
}
