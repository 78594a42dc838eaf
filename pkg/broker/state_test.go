package broker

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// state is everything that Redis holds of a job: key without prefix → what is in it.
//
//	list   its items from left to right; work is taken from the right
//	zset   "item@+10m", in order
//	set    its items, sorted
//	hash   "field=value", sorted
//	lock   who holds it
//
// Times are minutes from now, tokens and webhook ids are "*", a day's counters
// are "stats:day". The spec is left out while it is as the fixture registered it.
type state map[string][]string

// and is s with other keys added or replaced; nil removes one.
func (s state) and(other state) state {
	all := maps.Clone(s)
	maps.Copy(all, other)
	maps.DeleteFunc(all, func(_ string, v []string) bool { return v == nil })
	return all
}

var (
	randomText = regexp.MustCompile(`^[A-Z2-7]{26}(-\d+)?$`)
	millisText = regexp.MustCompile(`^\d{13}$`)
	dayKey     = regexp.MustCompile(`^stats:\d{4}-\d\d-\d\d$`)
)

// seed writes a state.
func (f *fixture) seed(s state) {
	f.Helper()
	ctx, now := f.Context(), f.now()
	pipe := f.raw.Pipeline()
	for name, items := range s {
		key := f.keys.prefix + name
		for _, item := range items {
			switch f.kind(name) {
			case "list":
				pipe.RPush(ctx, key, item)
			case "set":
				pipe.SAdd(ctx, key, item)
			case "zset":
				member, when, _ := strings.Cut(item, "@")
				pipe.ZAdd(ctx, key, redis.Z{Member: member, Score: float64(absolute(f, now, when))})
			default:
				field, value, _ := strings.Cut(item, "=")
				if when, ok := strings.CutPrefix(value, "@"); ok {
					value = strconv.FormatInt(absolute(f, now, when), 10)
				}
				pipe.HSet(ctx, key, field, value)
			}
		}
	}
	_, err := pipe.Exec(ctx)
	require.NoError(f, err)
}

// kind is the type of a key, from its name.
func (f *fixture) kind(name string) string {
	destination, ok := strings.CutPrefix(name, "callbacks:")
	switch {
	case name == "ranges", name == "events", ok && slices.Contains(f.keys.destinations, destination):
		return "list"
	case ok, strings.HasPrefix(name, "trouble:"), name == "samples", name == "ranges:leased", name == "ranges:retry", name == "ranges:parked":
		return "zset"
	case strings.HasPrefix(name, "troubled:"):
		return "set"
	case name == "lock":
		return "string"
	default:
		return "hash"
	}
}

// state reads the whole job.
func (f *fixture) state() state {
	f.Helper()
	ctx, now := f.Context(), f.now()
	keys, err := f.raw.Keys(ctx, globEscape(f.keys.prefix)+"*").Result()
	require.NoError(f, err)
	found := state{}
	for _, key := range keys {
		name := strings.TrimPrefix(key, f.keys.prefix)
		items := f.read(ctx, name, now)
		if name == "spec" && slices.Equal(items, registered) {
			continue
		}
		if dayKey.MatchString(name) {
			name = "stats:day"
		}
		found[name] = items
	}
	return found
}

var registered = []string{"destinations=a b", "details=columns-1", "identity=db.user by id", "leader=scheduler-1"}

func (f *fixture) read(ctx context.Context, name string, now int64) (items []string) {
	f.Helper()
	key := f.keys.prefix + name
	switch f.kind(name) {
	case "list":
		list, err := f.raw.LRange(ctx, key, 0, -1).Result()
		require.NoError(f, err)
		return list
	case "zset":
		set, err := f.raw.ZRangeWithScores(ctx, key, 0, -1).Result()
		require.NoError(f, err)
		for _, z := range set {
			items = append(items, fmt.Sprintf("%s@%s", z.Member, relative(now, int64(z.Score))))
		}
		return items
	case "set":
		set, err := f.raw.SMembers(ctx, key).Result()
		require.NoError(f, err)
		return sorted(set)
	case "string":
		held, err := f.raw.Get(ctx, key).Result()
		require.NoError(f, err)
		_, who, _ := strings.Cut(held, " ")
		return []string{who}
	default:
		hash, err := f.raw.HGetAll(ctx, key).Result()
		require.NoError(f, err)
		for field, value := range hash {
			switch {
			case randomText.MatchString(value):
				value = "*"
			case millisText.MatchString(value):
				value = "@" + relative(now, number(value))
			}
			items = append(items, field+"="+value)
		}
		slices.Sort(items)
		return items
	}
}

// want fails the test unless the job is as s says.
func (f *fixture) want(s state) {
	f.Helper()
	require.Equal(f, s, f.state())
}

// pass lets time go by for everything that waits or is leased.
func (f *fixture) pass(d time.Duration) {
	f.Helper()
	ctx := f.Context()
	back := float64(-d.Milliseconds())
	for _, key := range f.raw.Keys(ctx, globEscape(f.keys.prefix)+"*").Val() {
		name := strings.TrimPrefix(key, f.keys.prefix)
		if f.kind(name) == "zset" && name != "callbacks:parked" {
			for _, member := range f.raw.ZRange(ctx, key, 0, -1).Val() {
				require.NoError(f, f.raw.ZIncrBy(ctx, key, back, member).Err())
			}
		}
	}
	for field, value := range f.raw.HGetAll(ctx, f.keys.reclaim()).Val() {
		if n := number(value); n > 0 {
			require.NoError(f, f.raw.HSet(ctx, f.keys.reclaim(), field, n-d.Milliseconds()).Err())
		}
	}
}

// now is the server's clock in ms.
func (f *fixture) now() int64 {
	f.Helper()
	now, err := f.raw.Time(f.Context()).Result()
	require.NoError(f, err)
	return now.UnixMilli()
}

// absolute turns "+10m" into ms; a plain number stays.
func absolute(f *fixture, now int64, when string) int64 {
	f.Helper()
	if n, err := strconv.ParseInt(when, 10, 64); err == nil {
		return n
	}
	if when == "now" {
		return now
	}
	d, err := time.ParseDuration(when)
	require.NoError(f, err)
	return now + d.Milliseconds()
}

func relative(now, when int64) string {
	minutes := math.Round(float64(when-now) / 60_000)
	switch {
	case math.Abs(minutes) > 1_000_000:
		return strconv.FormatInt(when, 10)
	case minutes == 0:
		return "now"
	default:
		return fmt.Sprintf("%+.0fm", minutes)
	}
}

func sorted(fields []string) []string { return slices.Sorted(slices.Values(fields)) }

// replace gives fields with one of them replaced.
func replace(fields []string, old, with string) []string {
	return sorted(append(slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == old }), with))
}
