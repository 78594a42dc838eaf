package mysql

import (
	"context"
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
func (d *Database) ungated(ctx context.Context, operation, query string, args ...any) (names []string, rows [][]diff.Value, err error) {
	var texts arena
	err = d.raw(ctx, operation, func(s *session) error {
		names, err = s.each(ctx, query, args, func(row []driver.Value) { rows = append(rows, texts.row(row)) })
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return names, rows, nil
}

// raw does something with a connection of its own, and ends on the server what
// ctx ends here.
func (d *Database) raw(ctx context.Context, operation string, do func(*session) error) error {
	conn, err := d.pool.Conn(ctx)
	if err != nil {
		return d.classify(operation, err)
	}
	defer func() { _ = conn.Close() }() // it only goes back to the pool
	var id int64
	began := time.Now()
	err = conn.Raw(func(c any) error {
		s, ok := c.(*session)
		if !ok {
			return fmt.Errorf("the pool holds a %T", c)
		}
		id = s.id
		return do(s)
	})
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), d.kill(ctx, id))
		}
		return d.classify(operation, err)
	}
	d.timed(operation, began)
	job.Progress(ctx)
	return nil
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
	return d.raw(ctx, operation, func(s *session) error {
		_, err := s.each(ctx, query, nil, func(values []driver.Value) { read += row(values) })
		return err
	})
}

// each hands over the rows of a query, and gives the names of its columns.
func (s *session) each(ctx context.Context, query string, args []any, row func([]driver.Value)) (names []string, err error) {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	rows, err := s.QueryContext(ctx, query, named)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names = rows.Columns()
	read := make([]driver.Value, len(names))
	for {
		switch err := rows.Next(read); {
		case errors.Is(err, io.EOF):
			return names, nil
		case err != nil:
			return nil, err
		}
		row(read)
	}
}

// arena holds the texts of many rows in few pieces of memory. The first are small:
// most queries give one row.
type arena struct {
	texts []byte
	cells []diff.Value
	piece struct{ texts, cells int } // size of the newest
}

// Sizes of the largest piece, in bytes and in values, and the part of it that the
// first has.
const arenaTexts, arenaCells, arenaFirst = 32 << 10, 1 << 10, 32

// grown is the size of the piece behind one of that size.
func grown(size, largest int) int { return min(max(2*size, largest/arenaFirst), largest) }

// row copies a row as the server shows it.
func (a *arena) row(read []driver.Value) []diff.Value {
	if len(a.cells) < len(read) {
		a.piece.cells = grown(a.piece.cells, arenaCells)
		a.cells = make([]diff.Value, max(a.piece.cells, len(read)))
	}
	row := a.cells[:len(read):len(read)]
	a.cells = a.cells[len(read):]
	for i, v := range read {
		row[i] = a.text(v)
	}
	return row
}

// text copies a value. It is nil for NULL alone.
func (a *arena) text(v driver.Value) diff.Value {
	if v == nil {
		return nil
	}
	const number = 32 // bytes that no number exceeds
	need := number
	if text, is := v.([]byte); is {
		need = len(text)
	}
	if need > arenaTexts/4 {
		return shown(v) // large texts live and die by themselves
	}
	if a.texts == nil || cap(a.texts)-len(a.texts) < need {
		a.piece.texts = grown(a.piece.texts, arenaTexts)
		a.texts = make([]byte, 0, max(a.piece.texts, need))
	}
	begin := len(a.texts)
	a.texts = appendShown(a.texts, v)
	return a.texts[begin:len(a.texts):len(a.texts)]
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
	if v == nil {
		return nil
	}
	return appendShown(diff.Value{}, v)
}

// appendShown appends a value that is not NULL.
func appendShown(text []byte, v driver.Value) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(text, v, 10)
	case uint64:
		return strconv.AppendUint(text, v, 10)
	case float64:
		return strconv.AppendFloat(text, v, 'g', -1, 64)
	case float32:
		return strconv.AppendFloat(text, float64(v), 'g', -1, 32)
	case []byte:
		return append(text, v...)
	}
	return fmt.Append(text, v)
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
