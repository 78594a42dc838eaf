package embedded

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/eventually"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func client(t *testing.T, s *Store) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{
		Addr:                     s.Addr(),
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func statePath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "made", "cupid-db.user.state")
}

func TestStateComesBack(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := statePath(t)
	s := open(t, path)
	c := client(t, s)
	require.NoError(t, c.Set(ctx, "text", "<a&b> 多平台\n", 0).Err())
	require.NoError(t, c.Set(ctx, "empty", "", 0).Err())
	require.NoError(t, c.Set(ctx, "bytes\xff", "\x00\xfe", time.Hour).Err())
	require.NoError(t, c.RPush(ctx, "list", "b", "a", "b").Err())
	require.NoError(t, c.RPush(ctx, "bytes in a list", "a", "\xff").Err())
	require.NoError(t, c.SAdd(ctx, "set", "z", "a").Err())
	require.NoError(t, c.HSet(ctx, "hash", "token", "x", "", "empty").Err())
	scores := []redis.Z{
		{Score: 1795344000123, Member: "a"}, {Score: 0.1, Member: "b"}, {Score: 9007199254740993, Member: "c"},
		{Score: -1e-7, Member: "\xff"},
	}
	require.NoError(t, c.ZAdd(ctx, "zset", scores...).Err())
	require.NoError(t, c.Do(ctx, "ZADD", "zset", "+inf", "d", "-inf", "e").Err())
	before := everything(t, c)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())

	again := client(t, open(t, path))
	require.Equal(t, before, everything(t, again))
	ttl, err := again.PTTL(ctx, "bytes\xff").Result()
	require.NoError(t, err)
	require.InDelta(t, time.Hour, ttl, float64(time.Minute))
}

// everything reads all keys by plain commands.
func everything(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	ctx := t.Context()
	all := map[string]string{}
	for _, key := range c.Keys(ctx, "*").Val() {
		var value any
		switch kind := c.Type(ctx, key).Val(); kind {
		case "string":
			value = c.Get(ctx, key).Val()
		case "list":
			value = c.LRange(ctx, key, 0, -1).Val()
		case "set":
			value = c.SMembersMap(ctx, key).Val()
		case "hash":
			value = c.HGetAll(ctx, key).Val()
		case "zset":
			value = c.ZRangeWithScores(ctx, key, 0, -1).Val()
		default:
			require.Fail(t, "unexpected type", kind)
		}
		all[key] = fmt.Sprintf("%T %q", value, fmt.Sprint(value))
	}
	return all
}

func TestKeysExpireInRealTimeAlsoWhileNobodyRuns(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	c := client(t, s)
	s.Start()
	s.Start()
	require.NoError(t, c.Set(t.Context(), "running", "x", 300*time.Millisecond).Err())
	eventually.Until(t, 20*time.Second, func() bool { return c.Exists(t.Context(), "running").Val() == 0 }, "the key expires")
	require.NoError(t, c.Set(t.Context(), "short", "x", 100*time.Millisecond).Err())
	require.NoError(t, c.Set(t.Context(), "long", "x", time.Hour).Err())
	require.NoError(t, s.Close())

	p, err := load(path)
	require.NoError(t, err)
	require.NotEmpty(t, p.Keys)
	later := p
	later.Keys = nil
	for _, e := range p.Keys { // as if the file had lain there for 40 minutes
		e.Expires = e.Expires.Add(-40 * time.Minute)
		later.Keys = append(later.Keys, e)
	}
	require.NoError(t, replace(path, later.encode))
	again := client(t, open(t, path))
	require.Equal(t, []string{"long"}, again.Keys(t.Context(), "*").Val())
	require.InDelta(t, 20*time.Minute, again.PTTL(t.Context(), "long").Val(), float64(time.Minute))
}

// TestEachPictureShowsOneMoment writes pairs of keys that are equal at each
// moment, by script and by transaction, and reads the file while it is replaced.
func TestEachPictureShowsOneMoment(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, statePath(t))
	c := client(t, s)
	require.NoError(t, s.save())

	stop := make(chan struct{})
	var writers sync.WaitGroup
	write := func(f func(i int) error) {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	pair := redis.NewScript(`redis.call('SET', KEYS[1], ARGV[1]) redis.call('RPUSH', KEYS[2], ARGV[1]) redis.call('LTRIM', KEYS[2], -1, -1) return 1`)
	for w := range 2 {
		write(func(i int) error {
			return pair.Run(ctx, c, []string{fmt.Sprintf("a:%d", w), fmt.Sprintf("b:%d", w)}, i).Err()
		})
		write(func(i int) error {
			_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.HSet(ctx, fmt.Sprintf("c:%d", w), "n", i)
				p.Set(ctx, fmt.Sprintf("d:%d", w), i, 0)
				return nil
			})
			return err
		})
	}
	var reader sync.WaitGroup
	var copies int
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			p, err := load(s.path) // what a kill at this moment leaves behind
			if err != nil {
				t.Error(err)
				return
			}
			if err := pairsEqual(p); err != nil {
				t.Error(err)
				return
			}
			copies++
		}
	})
	for range 100 {
		require.NoError(t, s.save())
	}
	close(stop)
	writers.Wait()
	reader.Wait()
	require.Positive(t, copies)
	p, err := load(s.path)
	require.NoError(t, err)
	require.Len(t, p.Keys, 8)
}

func pairsEqual(p picture) error {
	values := map[string]string{}
	for _, e := range p.Keys {
		switch {
		case e.String != nil:
			values[e.Key] = *e.String
		case e.List != nil:
			values[e.Key] = e.List[0]
		default:
			values[e.Key] = e.Hash["n"]
		}
	}
	for w := range 2 {
		for _, names := range [][2]string{{"a:%d", "b:%d"}, {"c:%d", "d:%d"}} {
			one, other := fmt.Sprintf(names[0], w), fmt.Sprintf(names[1], w)
			if values[one] != values[other] {
				return fmt.Errorf("%s is %q but %s is %q", one, values[one], other, values[other])
			}
		}
	}
	return nil
}

func TestKilledProcessLeavesAWholeState(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	for range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envVictim+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		saves := bufio.NewScanner(out)
		for range 20 {
			require.True(t, saves.Scan(), "the process ended by itself")
		}
		_, err = Open(path, quiet)
		require.ErrorContains(t, err, "state file "+path+" is in use by another running process")
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())

		s, err := Open(path, quiet)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(s.redis.Keys()), 19)
		require.NoError(t, s.Close())
	}
}

func TestOneProcessForEachFile(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	first := open(t, path)
	_, err := Open(path, quiet)
	require.EqualError(t, err, "state file "+path+" is in use by another running process: stop that one or name another cacheFilePath")
	require.NoError(t, first.Close())
	open(t, path)
}

func TestDamagedFileIsAnErrorAndStays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"empty":      {"", "it is empty"},
		"no JSON":    {"hello", "invalid character"},
		"cut":        {`{"format":1,"saved":"2026-11-22T10:00:00Z","keys":[` + "\n" + `{"key":"a","string":"x"}`, "unexpected EOF"},
		"other one":  {`{"format":1,"saved":"2026-11-22T10:00:00Z","keys":[]}` + "\n{}", "something follows"},
		"format":     {`{"format":2,"saved":"2026-11-22T10:00:00Z","keys":[]}`, "it has format 2, this version reads format 1"},
		"not ours":   {`{"retry":[1,2,3]}`, `unknown field "retry"`},
		"no value":   {`{"format":1,"keys":[{"key":"a"}]}`, "key 1 of the file: it has 0 values"},
		"two values": {`{"format":1,"keys":[{"key":"a","string":"x","list":["y"]}]}`, "it has 2 values"},
		"twice":      {`{"format":1,"keys":[{"key":"a","string":"x"},{"key":"a","list":["y"]}]}`, `key "a" is there twice`},
		"score":      {`{"format":1,"keys":[{"key":"a","zset":{"m":"high"}}]}`, `key "a": score "high" is not a number`},
		"bad base64": {`{"format":1,"keys":[{"key":"a!","base64":true,"string":"x"}]}`, "illegal base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "state")
			require.NoError(t, os.WriteFile(path, []byte(test.content), 0o600))
			_, err := Open(path, quiet)
			require.ErrorContains(t, err, "state file "+path+" cannot be read, move it away to start without it")
			require.ErrorContains(t, err, test.want)
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, test.content, string(left))
			require.NoError(t, os.Remove(path))
			open(t, path) // the lock is free again
		})
	}
}

func TestUnusableFolder(t *testing.T) {
	t.Parallel()
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	_, err := Open(filepath.Join(blocked, "state"), quiet)
	require.ErrorContains(t, err, "state file "+blocked)
	_, err = Open(t.TempDir(), quiet)
	require.ErrorContains(t, err, "is a directory")
}

func TestNothingIsWrittenWithoutAChange(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, statePath(t))
	c := client(t, s)
	written := func() bool {
		before, _ := os.Stat(s.path)
		s.saveChanges()
		after, err := os.Stat(s.path)
		require.NoError(t, err)
		return before == nil || !os.SameFile(before, after)
	}
	require.NoError(t, c.Set(ctx, "a", 1, 0).Err())
	// The second picture is for a command that was counted but had not run yet.
	require.True(t, written())
	require.True(t, written())
	require.False(t, written())

	sub := c.Subscribe(ctx, "hint")
	defer sub.Close()
	_, err := sub.Receive(ctx)
	require.NoError(t, err)
	require.NoError(t, c.Eval(ctx, `redis.call('GET', 'a') redis.call('TIME') return redis.call('PUBLISH', 'hint', 'x')`, nil).Err())
	require.NoError(t, c.Get(ctx, "a").Err())
	require.NoError(t, c.Ping(ctx).Err())
	require.False(t, written(), "what only reads costs no write")

	require.NoError(t, c.Eval(ctx, `return redis.call('SET', 'a', 2)`, nil).Err())
	require.True(t, written())
	require.True(t, written())
	require.False(t, written())
}

func TestFileIsPrivateAndReadable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := statePath(t)
	// What a killed process or a stranger left must not be written through.
	other := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(other, []byte("mine"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.Symlink(other, path+".tmp"))

	s := open(t, path)
	c := client(t, s)
	require.NoError(t, c.ZAdd(ctx, "cupid:{db.user}:callbacks:retry", redis.Z{Score: 1795344000123, Member: "db2.user:db.user:7"}).Err())
	require.NoError(t, c.HSet(ctx, "cupid:{db.user}:callback:db2.user:db.user:7", "type", 1, "key", 7).Err())
	require.NoError(t, c.RPush(ctx, "cupid:{db.user}:ranges", "insert:db.user:1000..2000").Err())
	require.NoError(t, c.SAdd(ctx, "cupid:jobs", "db.user").Err())
	require.NoError(t, c.Set(ctx, "cupid:{db.user}:lock", "token", 0).Err())
	s.redis.SetTTL("cupid:{db.user}:lock", 30*time.Second)
	require.NoError(t, s.Close())

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	p, err := load(path)
	require.NoError(t, err)
	want := strings.NewReplacer(
		"SAVED", p.Saved.Format(time.RFC3339Nano),
		"EXPIRES", p.Saved.Add(30*time.Second).Format(time.RFC3339Nano),
	).Replace(`{"format":1,"saved":"SAVED","keys":[
{"key":"cupid:jobs","set":["db.user"]}
,{"key":"cupid:{db.user}:callback:db2.user:db.user:7","hash":{"key":"7","type":"1"}}
,{"key":"cupid:{db.user}:callbacks:retry","zset":{"db2.user:db.user:7":"1795344000123"}}
,{"key":"cupid:{db.user}:lock","expires":"EXPIRES","string":"token"}
,{"key":"cupid:{db.user}:ranges","list":["insert:db.user:1000..2000"]}
]}
`)
	require.Equal(t, want, string(content))
	untouched, err := os.ReadFile(other)
	require.NoError(t, err)
	require.Equal(t, "mine", string(untouched))
	_, err = os.Lstat(path + ".tmp")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestStateThatCannotBeSavedIsToldOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	path := statePath(t)
	s, err := Open(path, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Dir(path)))
	require.NoError(t, s.redis.Set("a", "1"))
	for range 3 {
		s.saveChanges()
	}
	require.Equal(t, 1, strings.Count(out.String(), `level=ERROR msg="state not saved, trying again"`))
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	s.saveChanges()
	require.FileExists(t, path)
	require.NoError(t, os.RemoveAll(filepath.Dir(path)))
	err = s.Close()
	require.ErrorContains(t, err, "save the state to "+path)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestKeysThatAFileCannotHoldAreNamedOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	path := statePath(t)
	s, err := Open(path, slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, err)
	_, err = s.redis.XAdd("stream", "*", []string{"a", "b"})
	require.NoError(t, err)
	require.NoError(t, s.save())
	require.NoError(t, s.Close())
	require.Equal(t, 1, strings.Count(out.String(), `level=WARN msg="keys of a type that the state file does not keep" keys=[stream]`))
}

// TestScripts has what the queue's scripts use; a version of the server that
// lacks one of these cannot be embedded.
func TestScripts(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := client(t, open(t, statePath(t)))
	sub := c.Subscribe(ctx, "hint")
	defer sub.Close()
	_, err := sub.Receive(ctx)
	require.NoError(t, err)
	for _, test := range []struct {
		script string
		want   any
	}{
		{`return redis.call('PUBLISH', 'hint', 'x')`, int64(1)},
		{`local t = redis.call('TIME') return #t`, int64(2)},
		{`redis.call('ZADD', 'z', 5, 'a') return {redis.call('ZADD', 'z', 'XX', 'GT', 'CH', 7, 'a'), redis.call('ZADD', 'z', 'XX', 'GT', 'CH', 3, 'a'), redis.call('ZSCORE', 'z', 'a')}`, []any{int64(1), int64(0), "7"}},
		{`redis.call('ZADD', 'due', 1795344000123, 'b', 2, 'a') return redis.call('ZRANGE', 'due', '-inf', 1795344000123, 'BYSCORE', 'LIMIT', 0, 1)`, []any{"a"}},
		{`return redis.call('ZSCORE', 'due', 'b')`, "1795344000123"},
		{`redis.call('RPUSH', 'l', 1, 2, 3) return {redis.call('LMOVE', 'l', 'm', 'RIGHT', 'LEFT'), redis.call('LTRIM', 'l', 0, 0), redis.call('LRANGE', 'l', 0, -1)}`, []any{"3", "OK", []any{"1"}}},
		{`return {redis.call('HINCRBY', 'h', 'f', 3), redis.call('HINCRBY', 'h', 'f', -1)}`, []any{int64(3), int64(2)}},
		{`return redis.call('HMGET', 'h', 'f', 'none')`, []any{"2", nil}},
	} {
		got, err := c.Eval(ctx, test.script, nil).Result()
		require.NoError(t, err, test.script)
		require.Equal(t, test.want, got, test.script)
	}
	message, err := sub.ReceiveMessage(ctx)
	require.NoError(t, err)
	require.Equal(t, "x", message.Payload)
}
