package broker

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

func TestCheckNotesTheLayoutAndRefusesAnother(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		_, err := f.broker.Check(f.Context(), true)
		require.NoError(f, err)
		require.Equal(f, Layout, f.raw.Get(f.Context(), f.broker.layoutKey()).Val())
		_, err = f.broker.Check(f.Context(), true)
		require.NoError(f, err)

		require.NoError(f, f.raw.Set(f.Context(), f.broker.layoutKey(), "1.7", 0).Err())
		_, err = f.broker.Check(f.Context(), true)
		require.NoError(f, err, "additions")
		require.NoError(f, f.raw.Set(f.Context(), f.broker.layoutKey(), "99", 0).Err())
		_, err = f.broker.Check(f.Context(), true)
		require.ErrorIs(f, err, ErrRefused)
		require.NotContains(f, err.Error(), "\n", "one line")
		require.ErrorContains(f, err, fmt.Sprintf("the keys under %q have layout 99, this cupid writes layout 1", f.prefix))
		require.Equal(f, "99", f.raw.Get(f.Context(), f.broker.layoutKey()).Val())
	})
}

func TestCheckWarnsOfARedisThatForgets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options  redistest.Options
		warnings int
	}{
		"persists": {redistest.Options{AOF: true}, 0},
		"forgets":  {redistest.Options{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, c.options)
			warnings, err := open(t, server.Addr, "").Check(t.Context(), false)
			require.NoError(t, err)
			require.Len(t, warnings, c.warnings)
		})
	}
}

func TestCheckRefusesARedisThatEvicts(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{ExtraArgs: []string{"--maxmemory-policy", "allkeys-lru"}})
	_, err := open(t, server.Addr, "").Check(t.Context(), false)
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "allkeys-lru")
	require.Empty(t, server.Client.Keys(t.Context(), "*").Val())
}

func TestServerIsJudgedByItsInfo(t *testing.T) {
	t.Parallel()
	good := map[string]string{"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": "1", "loading": "0"}
	for name, c := range map[string]struct {
		field, value string
		refused      string
		warning      string
	}{
		"good":              {},
		"oldest that works": {field: "redis_version", value: "6.2.0"},
		"too old":           {field: "redis_version", value: "6.0.16", refused: "its version is 6.0.16"},
		"much too old":      {field: "redis_version", value: "5.0.7", refused: "its version is 5.0.7"},
		"two digits":        {field: "redis_version", value: "10.1.0"},
		"no number":         {field: "redis_version", value: "unstable"},
		"odd number":        {field: "redis_version", value: "x.y.z"},
		"hidden version":    {field: "redis_version", warning: "hides its version"},
		"evicts":            {field: "maxmemory_policy", value: "volatile-ttl", refused: "volatile-ttl"},
		"hidden policy":     {field: "maxmemory_policy", warning: "hides maxmemory-policy"},
		"forgets":           {field: "aof_enabled", value: "0", warning: "appendonly no"},
		"reads its log":     {field: "loading", value: "1"},
		"hidden AOF":        {field: "aof_enabled", warning: "hides whether it persists"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := maps.Clone(good)
			switch {
			case c.field != "" && c.value == "":
				delete(info, c.field)
			case c.field != "":
				info[c.field] = c.value
			}
			warnings, err := checkServer(info)
			if c.refused != "" {
				require.ErrorIs(t, err, ErrRefused)
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			if c.warning == "" {
				require.Empty(t, warnings)
				return
			}
			require.Len(t, warnings, 1)
			require.Contains(t, warnings[0], c.warning)
		})
	}
}

func TestWrongCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{ExtraArgs: []string{"--requirepass", "s3cret-right"}})
	small := miniredis.RunT(t)
	small.RequireAuth("s3cret-right")
	for _, addr := range []string{server.Addr, small.Addr()} {
		for name, c := range map[string]Config{
			"wrong password": {Password: job.NewSecret("s3cret-wrong")},
			"no password":    {},
			"wrong user":     {Username: "nobody", Password: job.NewSecret("s3cret-right")},
		} {
			c.Addrs = []string{addr}
			err := ping(t, c)
			require.ErrorIs(t, err, ErrRefused, name)
			require.ErrorContains(t, err, "set redis.username and redis.password")
			require.NotContains(t, err.Error(), "s3cret")
		}
		require.NoError(t, ping(t, Config{Addrs: []string{addr}, Password: job.NewSecret("s3cret-right")}))
	}
}

func TestUserWhoMayNotIsRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	require.NoError(t, server.Client.Do(t.Context(), "ACL", "SETUSER", "reader", "on", ">pw", "~*", "&*", "+@read", "+@connection").Err())
	b := Open(Config{Addrs: []string{server.Addr}, Username: "reader", Password: job.NewSecret("pw")}, Options{})
	defer b.Close()
	q, err := b.Queue(QueueConfig{Job: "j", Lease: lease})
	require.NoError(t, err)
	require.ErrorIs(t, q.Register(t.Context(), "s1"), ErrRefused)
	_, err = b.Check(t.Context(), true)
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "lacks a permission")
}

func ping(t *testing.T, c Config) error {
	t.Helper()
	b := Open(c, Options{})
	defer b.Close()
	return b.Ping(t.Context())
}

func TestOtherDatabaseIsUsed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	b := Open(Config{Addrs: []string{server.Addr}, DB: 3}, Options{})
	defer b.Close()
	_, err := b.Check(t.Context(), false)
	require.NoError(t, err)
	require.Empty(t, server.Client.Keys(t.Context(), "*").Val())
}

func TestCanceledCallSaysSo(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		_, err := f.Promote(canceled(f), longestDelay)
		require.ErrorIs(f, err, context.Canceled)
		require.NotErrorIs(f, err, ErrRefused)
	})
}

func TestReplyOfAnotherShapeIsAnError(t *testing.T) {
	t.Parallel()
	_, err := verdict(nil)
	require.Error(t, err)
	_, err = verdict([]any{int64(1)})
	require.Error(t, err)
	_, err = texts([]any{"ok", nil})
	require.Error(t, err)
	_, err = numbers([]any{int64(1)}, 2)
	require.Error(t, err)
	_, err = numbers([]any{"x"}, 1)
	require.Error(t, err)
	for _, text := range []string{"", "text", "shard\x00db.user", "shard\x00db.user\x00id\x00a:1", "id\x00a:1\x00shard\x00none\x00key\x001", "id\x00a:1\x00key\x001", "shard\x00db.user\x00key\x001"} {
		_, err = parseCallback(text)
		require.Error(t, err, "%q", text)
	}
	c, err := parseCallback("id\x00a:1\x00newer\x00\x00shard\x00db.user\x00key\x00a\x00key\x00b")
	require.NoError(t, err)
	require.Equal(t, "a\x00key\x00b", c.Key, "a key may hold what divides the others")
}

// A cluster of one node still refuses a script whose keys are in several slots.
func TestWholeWayOnACluster(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{ExtraArgs: []string{"--cluster-enabled", "yes"}})
	require.NoError(t, server.Client.ClusterAddSlotsRange(t.Context(), 0, 16383).Err())
	ready(t, server)
	b := Open(Config{Addrs: []string{server.Addr, server.Addr}}, Options{})
	defer b.Close()
	_, err := b.Check(t.Context(), false)
	require.NoError(t, err)
	wholeWay(t, b)
}

// wholeWay takes one row from its claim to the end of its callback.
func wholeWay(t *testing.T, b *Broker) {
	t.Helper()
	ctx := t.Context()
	q, err := b.Queue(QueueConfig{Job: "db.user", Spec: testSpec, Destinations: []string{"a"}, Limits: Limits{MaxRanges: 5, MaxCallbacks: 5}, Lease: lease})
	require.NoError(t, err)
	require.NoError(t, q.Register(ctx, "s1"))
	l, err := q.Lead(ctx, lease, "s1")
	require.NoError(t, err)
	require.NoError(t, l.Claim(ctx, claim("", "10")))
	require.NoError(t, l.Release(ctx))
	ranges, err := q.FetchRanges(ctx, "w1", 1)
	require.NoError(t, err)
	require.Len(t, ranges, 1)
	require.NoError(t, q.Put(ctx, ranges[0], 1, []job.Difference{difference("7")}))
	require.NoError(t, q.AckRange(ctx, ranges[0], 1, job.Counts{"rows": 1}))
	p, err := q.Promote(ctx, longestDelay) // the confirm delay is zero here
	require.NoError(t, err)
	require.Equal(t, 1, p.Moved)
	callbacks, err := q.FetchCallbacks(ctx, "a", "w1", 1)
	require.NoError(t, err)
	require.Len(t, callbacks, 1)
	_, err = q.Reclaim(ctx)
	require.NoError(t, err)
	answers, err := q.Settle(ctx, []job.Settlement{{Callback: callbacks[0], To: job.Closed, Counters: "closed"}})
	require.NoError(t, err)
	require.Equal(t, []job.Settled{job.SettledOK}, answers)
	require.NoError(t, b.Beat(ctx, job.Process{ID: "w1"}))
	states, err := b.Jobs(ctx)
	require.NoError(t, err)
	require.Len(t, states, 1)
	require.Equal(t, map[string]int64{"rows": 1, "closed": 1}, states[0].Stats)
}

func TestAJobThatTheFleetKnowsOtherwiseDoesNotFit(t *testing.T) {
	t.Parallel()
	onEach(t, func(f *fixture) {
		require.NoError(f, f.Fits(f.Context()))
		require.NoError(f, f.queue(func(c *QueueConfig) { c.Job = "new" }).Fits(f.Context()), "nobody knows it yet")
		for field, change := range map[string]func(*QueueConfig){
			"identity": func(c *QueueConfig) { c.Spec.Identity = "other.user by id" },
			"details":  func(c *QueueConfig) { c.Spec.Details = "columns-2" },
		} {
			var other *job.SpecError
			require.ErrorAs(f, f.queue(change).Fits(f.Context()), &other)
			require.Equal(f, field, other.Field)
		}
		require.Equal(f, f.keys.spec(), f.broker.SpecKey(f.Job()))
	})
}
