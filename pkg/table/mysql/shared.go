package mysql

import (
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// Pools shares connections: databases that were opened through it with the same
// DSN, options and purpose have one pool. A process with a hundred jobs on one
// server would otherwise hold hundreds of connections to it. It is safe for
// concurrent use; its zero value is ready.
type Pools struct {
	mu   sync.Mutex
	open map[string]*sharedPool
}

// sharedPool is closed when the last of its users is.
type sharedPool struct {
	pool      *sql.DB
	connector *connector
	users     int
}

// take gives the pool of a key, made where there is none, and what gives it back.
func (p *Pools) take(key string, fresh func() (*sql.DB, *connector, error)) (pool *sql.DB, c *connector, giveBack func() error, err error) {
	if p == nil {
		pool, c, err = fresh()
		if err != nil {
			return nil, nil, nil, err
		}
		return pool, c, pool.Close, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	shared := p.open[key]
	if shared == nil {
		if pool, c, err = fresh(); err != nil {
			return nil, nil, nil, err
		}
		shared = &sharedPool{pool: pool, connector: c}
		if p.open == nil {
			p.open = map[string]*sharedPool{}
		}
		p.open[key] = shared
	}
	shared.users++
	return shared.pool, shared.connector, sync.OnceValue(func() error { return p.giveBack(key, shared) }), nil
}

func (p *Pools) giveBack(key string, shared *sharedPool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if shared.users--; shared.users > 0 {
		return nil
	}
	delete(p.open, key)
	return shared.pool.Close()
}

// Times after which a connection is closed: one of any age, and one that nobody
// uses. The second stays above the polls of an idle job, which go on with the
// connection that was used last.
const (
	connLifetime = 3 * time.Minute
	connIdle     = 30 * time.Second
)

func newPool(c *connector, o Options) *sql.DB {
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(o.MaxOpen)
	pool.SetMaxIdleConns(o.MaxOpen)
	pool.SetConnMaxLifetime(connLifetime)
	pool.SetConnMaxIdleTime(connIdle)
	return pool
}

// key is all that two databases must have in common to share a pool.
func (o Options) key(dsn string) string {
	return fmt.Sprintf("%s\x00%d\x00%s\x00%s", o.Purpose, o.MaxOpen, o.StatementTimeout, dsn)
}
