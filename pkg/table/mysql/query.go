package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// killTimeout bounds the farewell to a cancelled query: a stop waits for it.
const killTimeout = time.Second

// rows runs a query and returns all its rows as texts. The operation ("read the
// columns of user") begins the error text.
func (d *Database) rows(ctx context.Context, operation, query string, args ...any) ([][]diff.Value, error) {
	_, rows, err := d.query(ctx, operation, query, args...)
	return rows, err
}

// query is rows with the names of the result's columns.
func (d *Database) query(ctx context.Context, operation, query string, args ...any) (names []string, rows [][]diff.Value, err error) {
	leave, err := d.enter(ctx, operation)
	if err != nil {
		return nil, nil, err
	}
	defer func() { leave(uint64(len(rows))) }()
	return d.ungated(ctx, operation, query, args...)
}

// enter waits until the server may be asked.
func (d *Database) enter(ctx context.Context, operation string) (leave func(rows uint64), err error) {
	if d.gate == nil {
		return func(uint64) {}, nil
	}
	leave, err = d.gate.Enter(ctx, d.vitals)
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", operation, d.address, err)
	}
	return leave, nil
}

// ungated is query without a look at what the server bears.
func (d *Database) ungated(ctx context.Context, operation, query string, args ...any) ([]string, [][]diff.Value, error) {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return nil, nil, d.classify(operation, err)
	}
	defer func() { _ = conn.Close() }() // it only goes back to the pool
	var id int64
	if err := conn.Raw(func(c any) error {
		if s, ok := c.(*session); ok {
			id = s.id
		}
		return nil
	}); err != nil {
		return nil, nil, d.classify(operation, err)
	}
	names, rows, err := collect(ctx, conn, query, args)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), d.kill(ctx, id))
		}
		return nil, nil, d.classify(operation, err)
	}
	job.Progress(ctx)
	return names, rows, nil
}

// each runs a query without arguments and hands over its rows one by one, as the
// driver read them: whole numbers are numbers, and bytes are overwritten by the
// next row. It spares the copies of rows, for results of many small rows. The
// row function tells how many rows of the table a row of the result stands for.
func (d *Database) each(ctx context.Context, operation, query string, row func([]driver.Value) uint64) error {
	leave, err := d.enter(ctx, operation)
	if err != nil {
		return err
	}
	var read uint64
	defer func() { leave(read) }()
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return d.classify(operation, err)
	}
	defer func() { _ = conn.Close() }() // it only goes back to the pool
	var id int64
	err = conn.Raw(func(c any) error {
		s, ok := c.(*session)
		if !ok {
			return fmt.Errorf("the pool holds a %T", c)
		}
		id = s.id
		return s.each(ctx, query, func(values []driver.Value) { read += row(values) })
	})
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), d.kill(ctx, id))
		}
		return d.classify(operation, err)
	}
	job.Progress(ctx)
	return nil
}

func (s *session) each(ctx context.Context, query string, row func([]driver.Value)) (err error) {
	rows, err := s.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	read := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(read); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		row(read)
	}
}

// number is a whole number of a row; a negative one is its two's complement.
func number(v driver.Value) uint64 {
	switch v := v.(type) {
	case int64:
		return uint64(v)
	case uint64:
		return v
	}
	return 0 // NULL
}

// shown is a copy of a value as the server shows it; nil is NULL.
func shown(v driver.Value) diff.Value {
	switch v := v.(type) {
	case nil:
		return nil
	case int64:
		return strconv.AppendInt(nil, v, 10)
	case uint64:
		return strconv.AppendUint(nil, v, 10)
	case []byte:
		return append(make(diff.Value, 0, len(v)), v...)
	}
	return fmt.Append(nil, v)
}

// kill ends the query of a session. The driver answers a cancelled context by
// closing the connection, which the server notices only when it next writes: a
// long scan would go on for nobody.
func (d *Database) kill(ctx context.Context, id int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTimeout)
	defer cancel()
	// Not through the pool, which may be full of queries such as this one.
	s, err := d.connector.dial(ctx)
	if err != nil {
		return fmt.Errorf("kill the query: %w", err)
	}
	defer func() { _ = s.Close() }() // it has done its only work
	err = s.exec(ctx, fmt.Sprintf("KILL QUERY %d", id))
	if number, ok := serverNumber(err); ok && number == errNoSuchThread {
		return nil // it ended by itself
	}
	if err != nil {
		return fmt.Errorf("kill the query: %w", err)
	}
	return nil
}

func collect(ctx context.Context, conn *sql.Conn, query string, args []any) (names []string, rows [][]diff.Value, err error) {
	cursor, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, cursor.Close()) }()
	if names, err = cursor.Columns(); err != nil {
		return nil, nil, err
	}
	targets := make([]any, len(names))
	for cursor.Next() {
		row := make([]diff.Value, len(names))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := cursor.Scan(targets...); err != nil {
			return nil, nil, err
		}
		rows = append(rows, row)
	}
	return names, rows, cursor.Err()
}
