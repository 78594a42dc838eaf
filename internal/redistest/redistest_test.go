package redistest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Run(m, redistest.Stop) }

func TestPrefixesDifferAndTheirKeysGoWithTheTest(t *testing.T) {
	t.Parallel()
	server := redistest.Shared(t)
	one, other := server.Prefix(t), server.Prefix(t)
	require.NotEqual(t, one, other)

	var key string
	t.Run("short-lived", func(t *testing.T) {
		key = server.Prefix(t) + "x"
		require.NoError(t, server.Client.Set(t.Context(), key, 1, 0).Err())
	})
	require.ErrorIs(t, server.Client.Get(t.Context(), key).Err(), redis.Nil)
}

func TestKillLosesEverythingWithoutAOF(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	require.NoError(t, server.Client.Set(t.Context(), "x", 1, 0).Err())

	server.Kill(t)
	require.Error(t, server.Client.Ping(t.Context()).Err())

	server.Restart(t)
	answers(t, server)
	require.ErrorIs(t, server.Client.Get(t.Context(), "x").Err(), redis.Nil)
}

func TestKillKeepsTheDataWithAOF(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{AOF: true})
	require.NoError(t, server.Client.Set(t.Context(), "x", 1, 0).Err())

	server.Kill(t)
	server.Restart(t)
	answers(t, server)
	require.Equal(t, "1", server.Client.Get(t.Context(), "x").Val())

	server.Stop(t)
	server.Restart(t)
	answers(t, server)
	require.Equal(t, "1", server.Client.Get(t.Context(), "x").Val())
}

func TestPausedServerHangsAndResumes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	server.Pause(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr, ContextTimeoutEnabled: true, MaxRetries: -1})
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, client.Ping(ctx).Err(), os.ErrDeadlineExceeded)

	server.Resume(t)
	answers(t, server)
}

func TestMaxMemoryRefusesWrites(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{MaxMemory: "3mb"})
	value := make([]byte, 100_000)
	var err error
	for i := range 100 {
		if err = server.Client.RPush(t.Context(), "list", value).Err(); err != nil {
			require.Positive(t, i)
			break
		}
	}
	require.ErrorContains(t, err, "OOM")
}

func answers(t *testing.T, server *redistest.Server) {
	t.Helper()
	eventually.Until(t, 10*time.Second, func() bool { return server.Client.Ping(t.Context()).Err() == nil }, "Redis answers again")
}
