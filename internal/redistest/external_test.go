package redistest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExternalServerIsUsedAndItsOwnKeysAreLeftAlone(t *testing.T) {
	t.Parallel()
	owner := Start(t, Options{})
	require.NoError(t, owner.Client.Set(t.Context(), "somebody's", 1, 0).Err())

	server, err := external(owner.Addr)
	require.NoError(t, err)
	defer func() { require.NoError(t, server.close()) }()
	require.Contains(t, server.origin(), EnvAddr)
	t.Run("writes", func(t *testing.T) {
		require.NoError(t, server.Client.Set(t.Context(), server.Prefix(t)+"x", 1, 0).Err())
	})
	require.Equal(t, []string{"somebody's"}, owner.Client.Keys(t.Context(), "*").Val())
}

func TestExternalServerThatIsDownFails(t *testing.T) {
	t.Parallel()
	server := Start(t, Options{})
	server.Kill(t)
	_, err := external(server.Addr)
	require.ErrorContains(t, err, EnvAddr)
	require.ErrorContains(t, err, server.Addr)
}

func TestStrayKeysAreFound(t *testing.T) {
	t.Parallel()
	server := Start(t, Options{})
	prefix := server.Prefix(t)
	require.NoError(t, server.Client.Set(t.Context(), prefix+"x", 1, 0).Err())
	require.NoError(t, server.Client.Set(t.Context(), "stray", 1, 0).Err())
	require.ErrorContains(t, server.clear(prefix), `["stray"]`)
	require.NoError(t, server.Client.Del(t.Context(), "stray").Err())
	require.NoError(t, server.clear(prefix))
}
