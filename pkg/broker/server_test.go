package broker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
)

func TestEveryServerIsExaminedAndLeftAlone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{ExtraArgs: []string{"--maxmemory-policy", "allkeys-lru", "--maxmemory", "1gb"}})
	b := open(t, server.Addr, "")
	all, err := b.Examine(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	s := all[0]
	require.Equal(t, server.Addr, s.Addr)
	require.NotEmpty(t, s.Version)
	require.WithinDuration(t, time.Now(), s.Now, 10*time.Second)
	require.EqualValues(t, 1<<30, s.Limit)
	require.Positive(t, s.Used)
	require.False(t, s.Full() || s.Replica)
	require.Len(t, s.Remarks, 2)
	require.True(t, s.Remarks[0].Refused)
	require.Equal(t, "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf", s.Remarks[0].Mend)
	require.False(t, s.Remarks[1].Refused, "appendonly no")
	require.Empty(t, server.Client.Keys(t.Context(), "*").Val())

	require.NoError(t, server.Client.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err()) // else it throws away the next key
	require.NoError(t, server.Client.Set(t.Context(), b.layoutKey(), "99", 0).Err())
	require.NoError(t, server.Client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	all, err = b.Examine(t.Context())
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "layout 99")
	require.True(t, all[0].Full())
}

func TestEveryPrimaryOfAClusterIsExamined(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 2)
	b := Open(Config{Addrs: c.Addrs()}, Options{})
	defer b.Close()
	all, err := b.Examine(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.ElementsMatch(t, c.Addrs(), []string{all[0].Addr, all[1].Addr})
}
