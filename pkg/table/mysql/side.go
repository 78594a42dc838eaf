package mysql

import (
	"bytes"
	"context"
	"database/sql/driver"
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
	filter  filter
	scanKey string // the column of Row.Key, "" for none
	hashing hashing
	dense   density

	by      keyColumns // relate the sides
	byIndex index      // finds their values; without a name there is none
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

// Last is the greatest place in the side's order; false for an empty table. A
// table that can only be read at once has the open place.
func (s *Side) Last(ctx context.Context) (job.Point, bool, error) {
	if len(s.order.keys) == 0 {
		return job.Point{}, true, nil
	}
	return s.place(ctx, "read the end of "+s.schema.table, job.Point{}, job.Point{}, strings.Join(s.order.columns(), " DESC, ")+" DESC LIMIT 1")
}

// Step finds the place of the n-th row, from 1, of (after, upto], whatever the
// conditions say of it; false when there are fewer.
func (s *Side) Step(ctx context.Context, after, upto job.Point, n int) (job.Point, bool, error) {
	return s.place(ctx, "step through "+s.schema.table, after, upto,
		strings.Join(s.order.columns(), ", ")+" LIMIT 1 OFFSET "+strconv.Itoa(max(n, 1)-1))
}

// Guess is about how many rows (after, upto] has, as the index knows it: two
// look-ups, whatever the width. False for an order that is not by one integer,
// and for a server that does not say.
func (s *Side) Guess(ctx context.Context, after, upto job.Point) (int64, bool, error) {
	if len(s.order.keys) != 1 || s.order.keys[0].kind != kindInteger {
		return 0, false, nil
	}
	operation := "guess the rows of " + s.schema.table
	where, err := s.order.within(after, upto)
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w", operation, err)
	}
	names, rows, err := s.db.query(ctx, operation, "EXPLAIN FORMAT=TRADITIONAL SELECT 1"+s.schema.from(s.order.index)+" WHERE "+where.literal())
	if err != nil || len(rows) == 0 {
		return 0, false, err
	}
	at := slices.Index(names, "rows")
	if at < 0 || rows[0][at] == nil {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(string(rows[0][at]), 10, 64)
	return n, err == nil, nil
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
		"SELECT "+list(s.order.selected())+s.schema.from(s.order.index)+" WHERE "+where.sql+" ORDER BY "+tail, where.args...)
	if err != nil || len(rows) == 0 {
		return job.Point{}, false, err
	}
	point, ok := s.order.place(rows[0], nil)
	return point, ok, nil
}

// where adds the person's condition.
func (s *Side) where(e expression) string { return s.filter.where(e) }

// Nulls counts the rows without a key.
func (s *Side) Nulls(ctx context.Context) (int64, error) {
	nulls := s.by.null(" IS NULL")
	if len(nulls) == 0 {
		return 0, nil
	}
	operation := "count rows of " + s.schema.table
	where := s.where(expression{sql: strings.Join(nulls, " OR ")})
	var n int64
	err := s.db.each(ctx, operation, "SELECT COUNT(*)"+s.schema.from(s.byIndex.name)+" WHERE "+where, func(row []driver.Value) uint64 {
		n = int64(number(row[0]))
		return number(row[0])
	})
	return n, err
}

// Rows reads at most limit rows of (after, upto] in the side's order. With more,
// go on after next. Rows that share one place are never parted, so a page in an
// order that is not unique may be longer.
func (s *Side) Rows(ctx context.Context, after, upto job.Point, limit int) (rows []diff.Row, next job.Point, more bool, err error) {
	read, next, more, err := pager{
		db: s.db, operation: "read a page of " + s.schema.table, order: s.order,
		columns: s.columns(), from: s.schema.from(s.order.index), where: s.where,
	}.page(ctx, after, upto, limit)
	return s.rows(read), next, more, err
}

// Lookup reads the rows that have one of these keys, by the server's own
// collation. What the columns cannot hold is not asked for.
func (s *Side) Lookup(ctx context.Context, keys []diff.Key) ([]diff.Row, error) {
	read, err := s.finder().rows(ctx, s.columns(), keys)
	return s.rows(read), err
}

// Hashes is Lookup with hashes in the place of rows.
func (s *Side) Hashes(ctx context.Context, keys []diff.Key) ([]diff.Hashed, error) {
	if s.hashing.hash == "" {
		return nil, errNotHashable
	}
	return s.finder().hashes(ctx, s.hashing, keys)
}

// Holds reports whether the columns can hold a key, and be asked for it. A
// question mark may stand for a letter that Unicode lacks.
func (s *Side) Holds(key diff.Key) bool {
	_, ok := s.by.operands(key)
	for i, v := range key.Values(len(s.by)) {
		c := s.by[i]
		ok = ok && (c.charset == "" || c.charset == ascii || unicode(c.charset) || !bytes.ContainsRune(v, '?'))
	}
	return ok
}

func (s *Side) finder() finder {
	return finder{db: s.db, schema: s.schema, by: s.by, index: s.byIndex, identity: s.schema.identity(), unique: s.schema.unique(s.by.names()...), where: s.where}
}

// KeyOf is the key of a row of this side, as in Hashed.Key; false for none. Rows
// that belong together have the same on both sides, unless only a collation
// holds their values for equal.
func (s *Side) KeyOf(row diff.Row) (diff.Key, bool) {
	return diff.NewKey(row.Values[len(s.fields):]...)
}

// columns are the compared ones and, behind them, those of the key and the
// source's scan key.
func (s *Side) columns() []string {
	columns := append(s.fields.sql(), s.hashing.key...)
	if s.scanKey != "" {
		columns = append(columns, s.scanKey)
	}
	return columns
}

func (s *Side) rows(read [][]diff.Value) []diff.Row {
	n := len(s.fields) + len(s.by)
	rows := make([]diff.Row, len(read))
	for i, values := range read {
		s.fields.values(values)
		rows[i].Values = values[:n:n]
		if s.scanKey != "" {
			rows[i].Key = string(values[n])
		}
	}
	return rows
}
