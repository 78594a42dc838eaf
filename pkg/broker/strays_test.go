package broker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Whatever queue somebody deletes by hand, its callbacks are found and read again, and no others.
func TestStraysOfADeletedQueueAreReadAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		ctx := f.Context()
		open, err := f.broker.Callbacks(ctx, "db.user")
		require.NoError(f, err)
		strays, err := open.Strays(ctx, "eva")
		require.NoError(f, err)
		require.Empty(f, strays)
		require.NotContains(f, f.state(), "events", "nothing was done")

		item := []string{"destination=a", "shard=db.user", "key=1", "seen=1", "attempts=0", "token=old", "worker=w"}
		all := state{}
		for _, queue := range []string{"confirm", "verify", "retry", "slow", "leased", "parked"} {
			all["callback:"+queue], all["callbacks:"+queue] = item, []string{queue + "@+1m"}
		}
		for i := range 250 {
			id := fmt.Sprintf("due%03d", i)
			all["callback:"+id] = item
			all["callbacks:a"] = append(all["callbacks:a"], id)
		}
		f.seed(all)
		// Due for a destination that the job no longer has.
		f.seed(state{"callback:former": {"destination=former", "shard=db.user", "key=2"}})
		former := f.keys.callbacks("former")
		require.NoError(f, f.raw.RPush(ctx, former, "former").Err())
		strays, err = open.Strays(ctx, "")
		require.NoError(f, err)
		require.Empty(f, strays)
		require.NoError(f, f.raw.Del(ctx, former, f.keys.callbackPrefix()+"former").Err())

		require.NoError(f, f.raw.Del(ctx, f.keys.slow(), f.keys.callbacks("a")).Err())
		before := f.state()
		strays, err = open.Strays(ctx, "")
		require.NoError(f, err)
		require.Len(f, strays, 251)
		f.want(before)

		strays, err = open.Strays(ctx, "eva")
		require.NoError(f, err)
		require.Len(f, strays, 251)
		after := f.state()
		require.Len(f, after["callbacks:confirm"], 252)
		require.Equal(f, []string{"attempts=0", "destination=a", "doubt=1", "key=1", "phase=confirm", "seen=1", "shard=db.user"}, after["callback:slow"])
		require.Contains(f, after["callback:leased"], "token=old", "a lease that lasts is left alone")
		events, err := f.broker.Events(ctx, "db.user", 10)
		require.NoError(f, err)
		require.Equal(f, job.EventKind("audit"), events[0].Kind)
		strays, err = open.Strays(ctx, "eva")
		require.NoError(f, err)
		require.Empty(f, strays)
		p, err := f.Promote(ctx, time.Hour)
		require.NoError(f, err)
		require.Positive(f, p.Moved)
		got, err := f.FetchCallbacks(ctx, "a", "w", 10)
		require.NoError(f, err)
		require.Len(f, got, 10)
		require.True(f, got[0].Doubt)
	})
}
