package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/broker"
)

// TestAQuietWorkerFetchesNothing, also after the registry has forgotten it, and goes
// on when it is asked to.
func TestAQuietWorkerFetchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.receiver.Behave(w.repairing())
	w.run(app.Both)
	w.insert(w.source, upTo(20)...)
	w.done(20)

	b := broker.Open(w.redis, broker.Options{})
	defer func() { require.NoError(t, b.Close()) }()
	quiet := func() (id, why string) {
		processes, err := b.Processes(ctx)
		require.NoError(t, err)
		for _, p := range processes {
			id, why = p.ID, p.Quiet
		}
		return id, why
	}
	id, _ := quiet()
	require.NoError(t, b.Quiet(ctx, id, "eva", "the host moves"))
	w.until(func() bool { return len(w.log.lines("nothing more is fetched here")) == 1 }, "it has heard of it at once, not at its next beat")
	w.insert(w.source, 21)
	w.until(func() bool { return len(w.work()) > 0 }, "a range is claimed")

	// The registry forgets it, as after a minute without Redis.
	require.NoError(t, w.server.Client.Del(ctx, w.redis.Prefix+"process:"+id).Err())
	require.NoError(t, w.server.Client.Publish(ctx, w.redis.Prefix+"wake", "* "+broker.WakeQuiet).Err()) // its next beat comes at once
	w.until(func() bool { _, why := quiet(); return why == "eva: the host moves" }, "it knows by itself that it is held")
	require.EqualValues(t, 20, w.stat("rows"))
	require.Len(t, w.log.lines("nothing more is fetched here"), 1)

	held, err := b.Loud(ctx, id, "eva")
	require.NoError(t, err)
	require.True(t, held)
	w.done(21)
	w.until(func() bool { _, why := quiet(); return why == "" }, "nobody holds it")
	events, err := b.Events(ctx, "", 2)
	require.NoError(t, err)
	require.Contains(t, events[0].What, "which was held by eva: the host moves")
	require.Equal(t, "the process "+id+": the host moves", events[1].What)
}
