package broker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is what one Redis server shows of itself to whoever looks after it.
type Server struct {
	Addr    string
	Version string
	Now     time.Time
	Replica bool  // it takes no writes
	Used    int64 // bytes of memory
	Limit   int64 // its maxmemory; 0 is none
	Remarks []Remark
}

// Full reports whether no new work is begun on it.
func (s Server) Full() bool { return s.Limit > 0 && s.Used*100/s.Limit >= mostMemory }

// Remark is what could be set up better.
type Remark struct {
	Refused bool // cupid does not work with it
	What    string
	Mend    string
}

// Examine asks each server how it is, of a cluster every primary, and changes nothing.
// An error that is ErrRefused is about the account or the keys.
func (b *Broker) Examine(ctx context.Context) ([]Server, error) {
	var mu sync.Mutex
	var all []Server
	err := b.each(ctx, func(ctx context.Context, on *redis.Client) error {
		now, err := on.Time(ctx).Result()
		if err != nil {
			return err
		}
		text, err := on.Info(ctx).Result()
		if err != nil {
			return err
		}
		info := parseInfo(text)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, Server{
			Addr: on.Options().Addr, Version: info["redis_version"], Now: now, Replica: info["role"] == "slave",
			Used: number(info["used_memory"]), Limit: number(info["maxmemory"]), Remarks: judge(info),
		})
		return nil
	})
	if err != nil {
		return nil, redisError(err)
	}
	slices.SortFunc(all, func(a, b Server) int { return cmp.Compare(a.Addr, b.Addr) })
	return all, b.checkLayout(ctx)
}

// each is the server, or every primary of a cluster.
func (b *Broker) each(ctx context.Context, do func(context.Context, *redis.Client) error) error {
	switch rdb := b.rdb.(type) {
	case *redis.ClusterClient:
		return rdb.ForEachMaster(ctx, do)
	case *redis.Client:
		return do(ctx, rdb)
	default:
		return fmt.Errorf("redis: a client of type %T", rdb)
	}
}

func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[k] = v
		}
	}
	return info
}

// checkServer is judge for a process that starts.
func checkServer(info map[string]string) (warnings []string, err error) {
	for _, r := range judge(info) {
		if r.Refused {
			return nil, fmt.Errorf("redis: %w: %s: %s", ErrRefused, r.What, r.Mend)
		}
		warnings = append(warnings, "redis: "+r.What+"; "+r.Mend)
	}
	return warnings, nil
}

// judge looks at INFO. What a managed Redis hides is only remarked.
func judge(info map[string]string) (remarks []Remark) {
	remark := func(refused bool, what, mend string) { remarks = append(remarks, Remark{refused, what, mend}) }
	switch version := info["redis_version"]; {
	case version == "":
		remark(false, "it hides its version", "cupid needs 6.2 or newer: ask whoever runs it")
	case older(version, 6, 2):
		remark(true, "its version is "+version+", cupid needs 6.2 or newer", "upgrade it")
	}
	switch policy := info["maxmemory_policy"]; {
	case policy == "":
		remark(false, "it hides maxmemory-policy", "it must be noeviction, or work can vanish: ask whoever runs it")
	case policy != "noeviction":
		remark(true, "its maxmemory-policy is "+policy+", which throws away work when memory runs out",
			"redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf")
	}
	if aof, known := info["aof_enabled"]; !known {
		remark(false, "it hides whether it persists", "without appendonly yes a restart forgets work since the last snapshot: ask whoever runs it")
	} else if aof == "0" && info["loading"] != "1" { // one that reads its log says so too
		remark(false, "it has appendonly no: a restart forgets what happened since its last snapshot, open callbacks too",
			"redis-cli CONFIG SET appendonly yes, and the same in redis.conf")
	}
	return remarks
}

func older(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	have := make([]int, 2)
	for i := range have {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return false
		}
		have[i] = n
	}
	return slices.Compare(have, []int{major, minor}) < 0
}
