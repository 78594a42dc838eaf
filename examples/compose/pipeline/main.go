// Command pipeline stands for an application that writes a table and for the
// change data capture that carries it to another one. It loses and corrupts some
// of what it carries and tells nobody but its log. docker-compose.yml runs it.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

const (
	lostPercent      = 3
	corruptedPercent = 2
	history          = 2000 // rows that are written at the first start

	beat = 500 * time.Millisecond // between two batches
	// lag is how late the pipeline is. cupid confirms a difference before it calls,
	// so a row that is only late raises no callback.
	lag = 200 * time.Millisecond
)

func main() {
	dsn := flag.String("dsn", "pipeline:demo@tcp(127.0.0.1:13306)/db", "server that holds db.user and db2.user")
	rate := flag.Int("rate", 40, "rows written a second; half of them are new")
	flag.Parse()
	if err := run(*dsn, *rate); err != nil {
		slog.Error("the pipeline ended", "error", err)
		os.Exit(1)
	}
}

func run(dsn string, rate int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := sql.Open("mysql", dsn+"?interpolateParams=true")
	if err != nil {
		return err
	}
	p := &pipeline{db: db}
	batch := max(1, rate*int(beat)/int(time.Second)/2)
	told := time.Now()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		if err := p.turn(ctx, batch); err != nil && ctx.Err() == nil {
			slog.Warn("a batch broke off, what was written and not yet carried is lost", "error", err)
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			slog.Info("so far", "written", p.written, "lost", p.lost, "corrupted", p.corrupted)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			slog.Info("stopped", "written", p.written, "lost", p.lost, "corrupted", p.corrupted)
			return db.Close()
		}
	}
}

type pipeline struct {
	db                       *sql.DB
	top                      int64 // greatest id in db.user; 0 before it was read
	written, lost, corrupted int
}

// turn writes as many new as changed rows and carries them over.
func (p *pipeline) turn(ctx context.Context, batch int) error {
	created, err := p.create(ctx, batch)
	if err != nil {
		return err
	}
	changed, err := p.rename(ctx, batch)
	if err != nil {
		return err
	}
	select {
	case <-time.After(lag):
	case <-ctx.Done(): // what was written is still carried, as well as the grace of a stop allows
	}
	return p.carry(context.WithoutCancel(ctx), append(created, changed...))
}

// create inserts rows and gives their ids; the first time it writes the history.
func (p *pipeline) create(ctx context.Context, n int) ([]any, error) {
	if p.top == 0 {
		if err := p.db.QueryRowContext(ctx, "SELECT COALESCE(MAX(id), 0) FROM db.user").Scan(&p.top); err != nil {
			return nil, fmt.Errorf("read the greatest id: %w", err)
		}
		if p.top == 0 {
			n = history
		}
	}
	args := make([]any, 0, 3*n)
	for i := range int64(n) {
		number := p.top + 1 + i // no id above top was used, so the number is new
		var avatar any          // the others have none: NULL
		if number%3 == 0 {
			avatar = fmt.Sprintf("/avatar/%d.png", number)
		}
		args = append(args, fmt.Sprintf("n%d", number), fmt.Sprintf("user %d", number), avatar)
	}
	result, err := p.db.ExecContext(ctx, "INSERT INTO db.user (number, name, avatar) VALUES "+list("(?, ?, ?)", n), args...)
	if err != nil {
		p.top = 0 // it may have been written all the same: read again
		return nil, fmt.Errorf("write new rows: %w", err)
	}
	first, err := result.LastInsertId()
	if err != nil {
		return nil, err
	}
	p.written += n
	p.top = first + int64(n) - 1 // one statement's ids follow each other
	ids := make([]any, n)
	for i := range ids {
		ids[i] = first + int64(i)
	}
	return ids, nil
}

// rename changes rows at random and gives their ids.
func (p *pipeline) rename(ctx context.Context, n int) ([]any, error) {
	ids := make([]any, n)
	for i := range ids {
		ids[i] = 1 + rand.Int64N(p.top)
	}
	name := fmt.Sprintf("renamed %d", rand.Uint32())
	if _, err := p.db.ExecContext(ctx, "UPDATE db.user SET name = ? WHERE id IN ("+list("?", n)+")", append([]any{name}, ids...)...); err != nil {
		return nil, fmt.Errorf("change rows: %w", err)
	}
	p.written += n
	return ids, nil
}

// carry brings rows to the destination, most of them.
func (p *pipeline) carry(ctx context.Context, ids []any) error {
	var intact, corrupted []any
	for _, id := range ids {
		switch roll := rand.IntN(100); {
		case roll < lostPercent:
			p.lost++
		case roll < lostPercent+corruptedPercent:
			p.corrupted++
			corrupted = append(corrupted, id)
		default:
			intact = append(intact, id)
		}
	}
	// The damage is what a wrong character set does to a name.
	return errors.Join(p.copy(ctx, "name", intact), p.copy(ctx, "REPLACE(name, 'e', '?')", corrupted))
}

func (p *pipeline) copy(ctx context.Context, name string, ids []any) error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := p.db.ExecContext(ctx, "INSERT INTO db2.user (number, name, avatar) SELECT number, "+name+", avatar FROM db.user WHERE id IN ("+list("?", len(ids))+
		") ON DUPLICATE KEY UPDATE name = VALUES(name), avatar = VALUES(avatar)", ids...)
	if err != nil {
		return fmt.Errorf("carry %d rows: %w", len(ids), err)
	}
	return nil
}

// list is n times what, divided by commas.
func list(what string, n int) string { return what + strings.Repeat(", "+what, n-1) }
