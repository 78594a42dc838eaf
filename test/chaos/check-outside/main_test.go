package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Run(m, mysqltest.Stop, redistest.Stop) }

// settled is what a fleet leaves behind that has done two ranges and one callback, and the arguments that look at it.
type settled struct {
	*testing.T
	tables *mysqltest.Database
	redis  *redis.Client
	posts  []string
	args   []string
}

func (s *settled) key(name string) string { return "cupid:{db.user}:" + name }

// step is what a script does at once.
func (s *settled) step(do func(ctx context.Context, p redis.Pipeliner)) {
	s.Helper()
	p := s.redis.TxPipeline()
	do(s.Context(), p)
	_, err := p.Exec(s.Context())
	require.NoError(s, err)
}

func (s *settled) claim(upto int, ids ...any) {
	s.step(func(ctx context.Context, p redis.Pipeliner) {
		p.HSet(ctx, s.key("cursor"), "insert:"+s.tables.Name+".user", upto)
		p.LPush(ctx, s.key("ranges"), ids...)
	})
}

// done takes ranges to their end.
func (s *settled) done(ids ...string) {
	for _, id := range ids {
		s.step(func(ctx context.Context, p redis.Pipeliner) {
			p.LRem(ctx, s.key("ranges"), 1, id)
			p.ZAdd(ctx, s.key("ranges:leased"), redis.Z{Member: id})
		})
		s.step(func(ctx context.Context, p redis.Pipeliner) {
			p.ZRem(ctx, s.key("ranges:leased"), id)
			p.HIncrBy(ctx, s.key("stats"), "ranges", 1)
		})
	}
}

func newSettled(t *testing.T) *settled {
	t.Helper()
	server := redistest.Start(t, redistest.Options{AOF: true, ExtraArgs: []string{"--aof-disable-auto-gc", "yes", "--appendfsync", "always"}})
	s := &settled{T: t, tables: mysqltest.Shared(t).Database(t), redis: server.Client}
	s.tables.Exec(t, "CREATE TABLE user (id BIGINT PRIMARY KEY, number VARCHAR(20), name VARCHAR(20))")
	s.tables.Exec(t, "CREATE TABLE copy (number VARCHAR(20), name VARCHAR(20))")
	s.tables.Exec(t, "INSERT INTO user SELECT seq, seq AS number, seq AS name FROM seq_1_to_20")
	s.tables.Exec(t, "INSERT INTO copy SELECT number, name FROM user")
	s.claim(20, s.id("0..10"), s.id("10..20"))
	s.done(s.id("0..10"), s.id("10..20"))
	s.posts = []string{
		`{"at":"2026-01-01T00:00:00Z","id":"7","type":1,"webhook":"a","status":500}`,
		`{"at":"2026-01-01T00:00:10Z","id":"7","type":1,"webhook":"a","status":200}`,
	}
	found, err := s.redis.ConfigGet(t.Context(), "*dir*").Result()
	require.NoError(t, err)
	s.args = []string{
		"-dsn", s.tables.DSN, "-redis", server.Addr, "-source", s.tables.Name + ".user", "-destination", s.tables.Name + ".copy",
		"-columns", "name", "-wait", "0s", "-aof", filepath.Join(found["dir"], found["appenddirname"]), "-posts", filepath.Join(t.TempDir(), "posts"),
	}
	return s
}

func (s *settled) id(stretch string) string {
	return fmt.Sprintf("insert:%s.user:%s", s.tables.Name, stretch)
}

// TestPlantedViolationsAreFound: one thing that is not as promised is one line.
func TestPlantedViolationsAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(s *settled)
		want  string
	}{
		"nothing":               {func(*settled) {}, ""},
		"a row that was lost":   {func(s *settled) { s.tables.Exec(s, "DELETE FROM copy WHERE number = '13'") }, "rows differ: 1, [13]"},
		"a row with another":    {func(s *settled) { s.tables.Exec(s, "UPDATE copy SET name = 'x' WHERE number = '3'") }, "rows differ: 1, [3]"},
		"a row beyond the scan": {func(s *settled) { s.tables.Exec(s, "INSERT INTO user VALUES (21, '21', '21')") }, "not scanned to the top: cursor 20 of 21"},
		"a callback's hash": {func(s *settled) {
			require.NoError(s, s.redis.HSet(s.Context(), s.key("callback:far:db.user:1"), "key", 1).Err())
		}, "keys are left: 1, [{db.user}:callback:far:db.user:1]"},
		"an index": {func(s *settled) {
			require.NoError(s, s.redis.SAdd(s.Context(), s.key("troubled:slow:far"), "far:db.user:1").Err())
		}, "keys are left: 1, [{db.user}:troubled:slow:far]"},
		"a list that grows": {func(s *settled) {
			for i := range 1001 {
				require.NoError(s, s.redis.LPush(s.Context(), "cupid:events", i).Err())
			}
		}, "keys are left: 1, [events with 1001 entries]"},
		"claims that overlap": {func(s *settled) {
			s.tables.Exec(s, "INSERT INTO user VALUES (30, '30', '30')")
			s.tables.Exec(s, "INSERT INTO copy VALUES ('30', '30')")
			s.claim(30, s.id("15..30"))
			s.done(s.id("15..30"))
		}, "the cursor stood at 20, the claim begins at 15"},
		"a claim twice": {func(s *settled) {
			s.claim(20, s.id("10..20"))
			s.done(s.id("10..20"))
		}, "claimed twice"},
		"a range that nobody compared": {func(s *settled) {
			s.tables.Exec(s, "INSERT INTO user VALUES (30, '30', '30')")
			s.tables.Exec(s, "INSERT INTO copy VALUES ('30', '30')")
			s.claim(30, s.id("20..30"))
			require.NoError(s, s.redis.Del(s.Context(), s.key("ranges")).Err())
		}, "20..30 was claimed and never compared to its end"},
		"a POST after its success": {func(s *settled) {
			s.posts = append(s.posts, `{"at":"2026-01-01T00:05:00Z","id":"7","type":1,"webhook":"a","status":200}`)
		}, "callback a of row 7 was answered at 2026-01-01 00:00:10 +0000 UTC and sent again at 2026-01-01 00:05:00 +0000 UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSettled(t)
			c.plant(s)
			require.NoError(t, os.WriteFile(s.args[len(s.args)-1], []byte(strings.Join(s.posts, "\n")+"\n"), 0o600))
			found, err := run(t.Context(), s.args)
			require.NoError(t, err)
			if c.want == "" {
				require.Empty(t, found)
				return
			}
			require.NotEmpty(t, found)
			require.Contains(t, strings.Join(found, "\n"), c.want)
		})
	}
}

func TestWhatCannotBeLookedAtIsNoVerdict(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"-dsn", "u@tcp(127.0.0.1:1)/"}, {"-dsn", "x", "more"}, {"-unknown"}} {
		_, err := run(t.Context(), args)
		require.Error(t, err, args)
	}
}
