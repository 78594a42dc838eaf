package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
)

// Options bound what one process asks of one database. Zeroes take defaults.
type Options struct {
	// MaxOpen is the number of connections at once; the default is 8.
	MaxOpen int
	// StatementTimeout ends a query on the server; the default is 20 s.
	StatementTimeout time.Duration
	// Pools shares connections with other databases of the same Purpose; nil shares none.
	Pools *Pools
	// Purpose keeps those apart that could starve each other, such as a source
	// and a destination in one place.
	Purpose string
	// Gate gives what lets queries through to a server, "host:port". Without it
	// all are.
	Gate func(server string) Gate
	// OnMistake hears of each mistake that a server names: a table, column or right
	// that is not there, a password that is refused. It must not block. May be nil.
	OnMistake func(err error)
	// OnQuery hears how long each answered query took. It must not block. May be nil.
	OnQuery func(kind Kind, took time.Duration)
}

// Gate holds queries back while a server has enough of them. Leave takes the
// number of rows that were read.
type Gate interface {
	Enter(ctx context.Context, vitals job.Vitals) (leave func(rows uint64), err error)
}

const (
	defaultMaxOpen          = 8
	defaultStatementTimeout = 20 * time.Second
	defaultDialTimeout      = 5 * time.Second
	// readMargin lets the server's own limit strike first; the client's is for
	// networks that swallow the answer.
	readMargin = 10 * time.Second
)

// Database is one database on one server, opened for reading.
type Database struct {
	pool      *sql.DB
	connector *connector
	giveBack  func() error // the pool
	gate      Gate         // nil lets all through
	server    string       // host:port
	address   string       // host:port/db
	name      string
	// shown is the zone a plain client of this DSN sees a TIMESTAMP in; nil when
	// the DSN leaves it to the server.
	shown     *time.Location
	onMistake func(error)
	onQuery   func(Kind, time.Duration)
}

// Open prepares the pool of a database; it does not dial. A DSN that cannot be
// read is a *table.ConfigError, whose text never repeats the DSN.
func Open(dsn job.Secret, opts Options) (*Database, error) {
	config, err := mysql.ParseDSN(dsn.Reveal())
	if err != nil {
		return nil, malformed("it is not of the form user:password@tcp(host:port)/database?parameters")
	}
	if config.DBName == "" {
		return nil, malformed("it names no database")
	}
	shown, err := shownZone(config, dsn)
	if err != nil {
		return nil, err
	}
	opts.MaxOpen = cmp.Or(opts.MaxOpen, defaultMaxOpen)
	opts.StatementTimeout = cmp.Or(opts.StatementTimeout, defaultStatementTimeout)
	pool, connector, giveBack, err := opts.Pools.take(opts.key(dsn.Reveal()), func() (*sql.DB, *connector, error) {
		c, err := newConnector(config, opts.StatementTimeout)
		if err != nil {
			return nil, nil, malformed("its parameters contradict each other")
		}
		return newPool(c, opts), c, nil
	})
	if err != nil {
		return nil, err
	}
	d := &Database{
		pool:      pool,
		connector: connector,
		giveBack:  giveBack,
		server:    config.Addr,
		address:   config.Addr + "/" + config.DBName,
		name:      config.DBName,
		shown:     shown,
		onMistake: opts.OnMistake,
		onQuery:   opts.OnQuery,
	}
	if opts.Gate != nil {
		d.gate = opts.Gate(d.server)
	}
	return d, nil
}

func malformed(what string) error {
	return &table.ConfigError{Problems: []table.Problem{{
		What: "a DSN cannot be used: " + what,
		Mend: `write it like user:password@tcp(127.0.0.1:3306)/db?charset=utf8mb4`,
	}}}
}

// Address is "host:port/db", without user and password.
func (d *Database) Address() string { return d.address }

// Server is "host:port".
func (d *Database) Server() string { return d.server }

// Close ends all connections that no other database shares.
func (d *Database) Close() error {
	if err := d.giveBack(); err != nil {
		return fmt.Errorf("close %s: %w", d.address, err)
	}
	return nil
}

// Ping asks the server for a sign of life, with the session set up as for every
// query.
func (d *Database) Ping(ctx context.Context) error {
	if err := d.pool.PingContext(ctx); err != nil {
		return d.classify("reach", err)
	}
	return nil
}

// shownZone reads the DSN's time_zone or loc, in which its plain clients see
// TIMESTAMP columns.
func shownZone(config *mysql.Config, dsn job.Secret) (*time.Location, error) {
	if text, ok := config.Params["time_zone"]; ok {
		name := strings.Trim(text, `'"`)
		if zone, ok := parseZone(name); ok {
			return zone, nil
		}
		if strings.EqualFold(name, "SYSTEM") {
			return nil, nil
		}
		return nil, malformed("its time_zone is neither an offset such as '+08:00' nor a known zone such as 'Asia/Shanghai'")
	}
	_, parameters, _ := strings.Cut(dsn.Reveal()[strings.LastIndex(dsn.Reveal(), "/"):], "?")
	values, err := url.ParseQuery(parameters)
	if err != nil || !values.Has("loc") {
		return nil, nil //nolint:nilerr // the driver has read the DSN; without loc there is nothing to know
	}
	return config.Loc, nil
}
