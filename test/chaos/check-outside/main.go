// Command check-outside asks from outside whether a fleet that is left alone has kept its promises. It sees
// only MySQL, Redis and the receiver's log, and ends with 1 where it finds a violation.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/test/chaos/checker"
)

func main() {
	violations, err := run()
	if err != nil {
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

func run() (violations []string, err error) {
	var (
		dsn         = flag.String("dsn", "", "`DSN` of a server that has both tables")
		addr        = flag.String("redis", "127.0.0.1:6379", "`address` of Redis")
		prefix      = flag.String("prefix", "cupid:", "what the keys begin with")
		job         = flag.String("job", "db.user", "name of the job")
		source      = flag.String("source", "db.user", "source table")
		destination = flag.String("destination", "db2.user", "destination table")
		key         = flag.String("key", "id", "scan key")
		by          = flag.String("by", "number", "column that relates the rows")
		columns     = flag.String("columns", "name,avatar", "columns that are compared")
		aof         = flag.String("aof", "", "`folder` of Redis' append-only files since the job began; \"\" leaves the ledger out")
		posts       = flag.String("posts", "", "the receiver's log: lines of {at, id, type, webhook, status}")
		faults      = flag.String("faults", "", "what was broken: lines of {begin, end, what}")
		wait        = flag.Duration("wait", 3*time.Minute, "how long the fleet may take to settle")
	)
	flag.Parse()
	db, err := sql.Open("mysql", *dsn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	client := redis.NewClient(&redis.Options{Addr: *addr})
	defer func() { _ = client.Close() }()
	place := checker.Place{
		DB: db, Redis: client, Prefix: *prefix, Job: *job, Source: *source, Destination: *destination, Key: *key, By: *by,
		Columns: strings.Split(*columns, ","),
	}
	violations = place.Settle(context.Background(), *wait)
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
