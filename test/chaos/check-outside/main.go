// Command check-outside asks from outside whether a fleet that is left alone has kept its promises. It sees
// only MySQL, Redis and the receiver's log, and ends with 1 where it finds a violation, with 2 where it cannot look.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/test/chaos/checker"
)

const usage = `Usage: check-outside -dsn DSN [-redis ADDRESS] [-aof FOLDER] [-posts FILE [-faults FILE]] …

Waits until the fleet of one job has settled, and prints a line for each violation that it sees from outside:
  - the insert scan is not at the greatest key, rows of both tables differ, keys of work are left, a key has grown;
  - with -aof: ranges that were claimed twice or with a gap between them, or were never compared to their end;
  - with -posts: callbacks that were sent again after a success although nothing was broken.
Nothing may be written to the tables meanwhile, and nothing but cupid may repair rows that were lost.
Ends with 0 without a violation, with 1 where there is one, with 2 where it could not look.

`

func main() {
	violations, err := run(context.Background(), os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "check-outside:", err)
		os.Exit(2)
	}
	for _, v := range violations {
		fmt.Println("VIOLATION", v)
	}
	if len(violations) > 0 {
		os.Exit(1)
	}
	fmt.Println("no violation")
}

func run(ctx context.Context, args []string) (violations []string, err error) {
	flags := flag.NewFlagSet("check-outside", flag.ContinueOnError)
	var (
		dsn         = flags.String("dsn", "", "`DSN` of a server that has both tables")
		addr        = flags.String("redis", "127.0.0.1:6379", "`address` of Redis")
		prefix      = flags.String("prefix", "cupid:", "what the keys begin with")
		job         = flags.String("job", "db.user", "name of the job")
		source      = flags.String("source", "db.user", "source table")
		destination = flags.String("destination", "db2.user", "destination table")
		key         = flags.String("key", "id", "scan key")
		by          = flags.String("by", "number", "column that relates the rows")
		columns     = flags.String("columns", "name,avatar", "columns that are compared")
		aof         = flags.String("aof", "", "`folder` of Redis' append-only files since the job began (aof-disable-auto-gc yes); \"\" leaves the ledger out")
		posts       = flags.String("posts", "", "the receiver's log: lines of {at, id, type, webhook, status}")
		faults      = flags.String("faults", "", "what was broken: lines of {begin, end, what}")
		wait        = flags.Duration("wait", 3*time.Minute, "how long the fleet may take to settle")
	)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if *dsn == "" || flags.NArg() > 0 {
		return nil, errors.New("it wants -dsn and flags alone; -help lists them")
	}
	db, err := sql.Open("mysql", *dsn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	client := redis.NewClient(&redis.Options{Addr: *addr})
	defer func() { _ = client.Close() }()
	if err := errors.Join(db.PingContext(ctx), client.Ping(ctx).Err()); err != nil {
		return nil, err
	}
	place := checker.Place{
		DB: db, Redis: client, Prefix: *prefix, Job: *job, Source: *source, Destination: *destination, Key: *key, By: *by,
		Columns: strings.Split(*columns, ","),
	}
	violations = place.Settle(ctx, *wait)
	if *aof != "" {
		ledger, err := checker.ReadLedger(*aof, *prefix, *job)
		if err != nil {
			return nil, err
		}
		violations = append(violations, ledger.Violations...)
	}
	if *posts == "" {
		return violations, nil
	}
	sent, err := lines[checker.Post](*posts)
	if err != nil {
		return nil, err
	}
	broken, err := lines[checker.Fault](*faults)
	if err != nil {
		return nil, err
	}
	return append(violations, checker.CheckPosts(sent, broken).Violations...), nil
}

// lines reads a log; one without a name is empty.
func lines[T any](path string) ([]T, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return checker.ReadLines[T](f)
}
