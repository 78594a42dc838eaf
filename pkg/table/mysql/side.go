package mysql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Side is one table of a pairing, read whole in an order of its own. It is safe
// for concurrent use.
type Side struct {
	db      *Database
	schema  schema
	fields  fields
	order   order
	filter  string // a condition by a person, "" for none
	scanKey string // the column of Row.Key, "" for none
	hashing hashing

	byAt    int // the relating column in fields
	by      column
	byIndex string // finds its values; "" when there is none
}

func (s *Side) relate(by int) {
	s.byAt, s.by = by, s.fields[by].column
	if path, ok := s.schema.finding(s.by.name); ok {
		s.byIndex = path.name
	}
}

// Estimate is about how many rows the table has, as the server's statistics
// know it. Conditions are not looked at.
func (s *Side) Estimate(ctx context.Context) (int64, error) {
	operation := "estimate the rows of " + s.schema.table
	rows, err := s.db.rows(ctx, operation,
		"SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", s.db.name, s.schema.table)
	if err != nil || len(rows) == 0 || rows[0][0] == nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(rows[0][0]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s at %s: %w", operation, s.db.address, err)
	}
	return n, nil
}

// Last is the greatest place in the side's order; false for an empty table, and
// for one that can only be read at once.
func (s *Side) Last(ctx context.Context) (job.Point, bool, error) {
	return s.place(ctx, "read the end of "+s.schema.table, job.Point{}, job.Point{}, strings.Join(s.order.columns(), " DESC, ")+" DESC LIMIT 1")
}

// Step finds the place of the n-th row, from 1, of (after, upto], whatever the
// conditions say of it; false when there are fewer.
func (s *Side) Step(ctx context.Context, after, upto job.Point, n int) (job.Point, bool, error) {
	return s.place(ctx, "step through "+s.schema.table, after, upto,
		strings.Join(s.order.columns(), ", ")+" LIMIT 1 OFFSET "+strconv.Itoa(max(n, 1)-1))
}

func (s *Side) place(ctx context.Context, operation string, after, upto job.Point, tail string) (job.Point, bool, error) {
	if len(s.order.keys) == 0 {
		return job.Point{}, false, nil
	}
	where, err := s.order.within(after, upto)
	if err != nil {
		return job.Point{}, false, fmt.Errorf("%s: %w", operation, err)
	}
	rows, err := s.db.rows(ctx, operation,
		"SELECT "+list(s.order.columns())+s.schema.from(s.order.index)+" WHERE "+where.sql+" ORDER BY "+tail, where.args...)
	if err != nil || len(rows) == 0 {
		return job.Point{}, false, err
	}
	point, ok := s.order.place(rows[0], nil)
	return point, ok, nil
}

// where adds the person's condition.
func (s *Side) where(e expression) string {
	if s.filter == "" {
		return e.literal()
	}
	return "(" + e.literal() + ") AND (" + s.filter + ")"
}

// Rows reads at most limit rows of (after, upto] in the side's order. With more,
// go on after next. Rows that share one place are never parted, so a page in an
// order that is not unique may be longer.
func (s *Side) Rows(ctx context.Context, after, upto job.Point, limit int) (rows []diff.Row, next job.Point, more bool, err error) {
	read, next, more, err := pager{
		db: s.db, operation: "read a page of " + s.schema.table, order: s.order,
		columns: s.columns(), from: s.schema.from(s.order.index), where: s.where,
	}.page(ctx, after, upto, limit)
	if err != nil {
		return nil, job.Point{}, false, err
	}
	rows = make([]diff.Row, len(read))
	for i, r := range read {
		rows[i] = s.row(r)
	}
	return rows, next, more, nil
}

// Lookup reads the rows that have one of these relating values, as Row and
// Hashed show them, by the server's own collation. NULL, and what the column
// cannot hold, is not asked for.
func (s *Side) Lookup(ctx context.Context, keys []diff.Value) ([]diff.Row, error) {
	var found []diff.Row
	var seen once
	identity := s.identity()
	for chunk := range slices.Chunk(distinctValues(keys), maxKeys) {
		in, ok := s.by.in(chunk)
		if !ok {
			continue
		}
		rows, err := s.db.rows(ctx, "read rows of "+s.schema.table,
			"SELECT "+list(s.columns(), identity)+s.schema.from(s.byIndex)+" WHERE "+s.where(in))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			end := len(row) - len(identity)
			if seen.first(row[end:]) {
				found = append(found, s.row(row[:end:end]))
			}
		}
	}
	return found, nil
}

// KeyOf is the value that relates a row of this side.
func (s *Side) KeyOf(row diff.Row) diff.Value { return row.Values[s.byAt] }

// columns are the compared ones and, behind them, the source's scan key.
func (s *Side) columns() []string {
	columns := s.fields.sql()
	if s.scanKey != "" {
		columns = append(columns, s.scanKey)
	}
	return columns
}

func (s *Side) row(read []diff.Value) diff.Row {
	n := len(s.fields)
	row := diff.Row{Values: s.fields.values(read[:n:n])}
	if s.scanKey != "" {
		row.Key = string(read[n])
	}
	return row
}

// identity tells one row from another: the primary key, in SQL.
func (s *Side) identity() []string {
	var columns []string
	for _, c := range s.schema.primaryKey() {
		columns = append(columns, c.quoted())
	}
	return columns
}
