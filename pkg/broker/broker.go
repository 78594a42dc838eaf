package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bsm/redislock"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Broker is a connection to the Redis that a fleet shares.
type Broker struct {
	rdb    redis.UniversalClient
	once   redis.UniversalClient // never re-sends: for commands that must not run twice
	locks  *redislock.Client
	prefix string
	memory memory
}

// Options are what a config file does not say.
type Options struct {
	// Name is shown by CLIENT LIST.
	Name string
}

// How often a command is sent again by itself, after an answer that was lost or
// the wrong node of a cluster was asked.
type resend struct{ retries, redirects int }

var (
	resendAlways = resend{}                           // the library's defaults
	resendNever  = resend{retries: -1, redirects: -1} // a cluster's client repeats lost commands as redirects
)

// poolSize bounds the connections of each of a process' two clients.
const poolSize = 16

// quiet drops what the driver would print past the process' log: every error
// comes back to a caller as well.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

var silence = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })

// Open prepares the connection. It does not dial: a Redis that is down is
// waited for by whoever uses it.
func Open(c Config, o Options) *Broker {
	silence()
	b := &Broker{prefix: cmp.Or(c.Prefix, DefaultPrefix)}
	b.rdb = client(c, o, resendAlways)
	b.once = client(c, o, resendNever)
	b.locks = redislock.New(b.rdb)
	return b
}

func client(c Config, o Options, r resend) redis.UniversalClient {
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:    slices.Clone(c.Addrs), // a cluster's client appends to it
		Username: c.Username, Password: c.Password.Reveal(), DB: c.DB, MasterName: c.Master,
		SentinelUsername: c.SentinelUsername, SentinelPassword: c.SentinelPassword.Reveal(), IsClusterMode: c.Cluster, TLSConfig: c.tls(),
		ClientName: o.Name, PoolSize: poolSize, MaxRetries: r.retries, MaxRedirects: r.redirects,
		DialTimeout: 2 * time.Second, ReadTimeout: 3 * time.Second, WriteTimeout: 3 * time.Second,
		ContextTimeoutEnabled: true, ConnMaxLifetime: 10 * time.Minute,
		// What only some servers know is not asked of any: each try costs a
		// connection a round trip and is noted as refused to a user of few rights.
		DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// Close ends the connections.
func (b *Broker) Close() error { return errors.Join(b.rdb.Close(), b.once.Close()) }

// Ping asks whether Redis answers.
func (b *Broker) Ping(ctx context.Context) error {
	if err := b.rdb.Ping(ctx).Err(); err != nil {
		return redisError(err)
	}
	return nil
}

// Probe asks whether Redis takes writes: one that is full, reads its data or
// became a replica answers pings as well. emptied says that not even the layout
// was there, which every process leaves at its start: all work is forgotten.
// Of several processes that ask, one hears of it.
func (b *Broker) Probe(ctx context.Context) (emptied bool, err error) {
	if emptied, err = b.rdb.SetNX(ctx, b.layoutKey(), Layout, 0).Result(); err != nil {
		return false, redisError(err)
	}
	return emptied, nil
}

// Check looks at the server once, before work begins. An error that is
// ErrRefused cannot be waited out; warnings are for the log.
func (b *Broker) Check(ctx context.Context, embedded bool) (warnings []string, err error) {
	if !embedded {
		info, err := b.rdb.Info(ctx).Result()
		if err != nil {
			return nil, redisError(err)
		}
		if warnings, err = checkServer(parseInfo(info)); err != nil {
			return nil, err
		}
	}
	if _, err := b.Probe(ctx); err != nil {
		return nil, err
	}
	found, err := b.rdb.Get(ctx, b.layoutKey()).Result()
	if err != nil {
		return nil, redisError(err)
	}
	if major, _, _ := strings.Cut(found, "."); major != Layout {
		return nil, fmt.Errorf("redis: %w: the keys under %q have layout %s, this cupid writes layout %s: use another redis.prefix, or the cupid version that wrote them", ErrRefused, b.prefix, found, Layout)
	}
	return warnings, nil
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

// checkServer judges INFO. What a managed Redis hides is warned about.
func checkServer(info map[string]string) (warnings []string, err error) {
	switch version := info["redis_version"]; {
	case version == "":
		warnings = append(warnings, "redis hides its version; cupid needs 6.2 or newer")
	case older(version, 6, 2):
		return nil, fmt.Errorf("redis: %w: its version is %s, cupid needs 6.2 or newer", ErrRefused, version)
	}
	switch policy := info["maxmemory_policy"]; {
	case policy == "":
		warnings = append(warnings, "redis hides maxmemory-policy; it must be noeviction, or work can vanish")
	case policy != "noeviction":
		return nil, fmt.Errorf("redis: %w: its maxmemory-policy is %s, which throws away work when memory runs out: set maxmemory-policy noeviction", ErrRefused, policy)
	}
	if aof, known := info["aof_enabled"]; !known {
		warnings = append(warnings, "redis hides whether it persists; without appendonly yes a restart forgets work since the last snapshot")
	} else if aof == "0" {
		warnings = append(warnings, "redis has appendonly no: a restart forgets what happened since its last snapshot, open callbacks too; set appendonly yes")
	}
	return warnings, nil
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
