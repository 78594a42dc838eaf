package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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
	// Ear hears what is asked of Redis; its zero value hears nothing.
	Ear Ear
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
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{
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
	rdb.AddHook(listener{o.Ear})
	return rdb
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
// Of several processes that ask, one hears of it; one of another version may have been
// faster, so the error may be ErrLayout.
func (b *Broker) Probe(ctx context.Context) (emptied bool, err error) {
	if emptied, err = b.rdb.SetNX(ctx, b.layoutKey(), Layout, 0).Result(); err != nil {
		return false, redisError(err)
	}
	if emptied {
		return true, nil
	}
	return false, b.checkLayout(ctx)
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
	_, err = b.Probe(ctx)
	return warnings, err
}

// checkLayout refuses keys of another layout.
func (b *Broker) checkLayout(ctx context.Context) error {
	found, err := b.rdb.Get(ctx, b.layoutKey()).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return redisError(err)
	}
	if major, _, _ := strings.Cut(found, "."); major != Layout {
		return layoutError(fmt.Sprintf("redis: refused: the keys under %q have layout %s, this cupid writes layout %s: use another redis.prefix, or the cupid version that wrote them", b.prefix, found, Layout))
	}
	return nil
}
