package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// maxKeys is how many keys one query asks for.
const maxKeys = 999

// Source reads the table that is right. It is safe for concurrent use.
type Source struct {
	db      *Database
	schema  schema
	key     column        // the scan key
	update  *updateColumn // nil when updates are not scanned
	byKey   order
	byTime  order // only with update
	fields  fields
	body    []column      // the visible ones, in the table's order
	by      int           // the byColumn in fields
	byPath  string        // index that finds the byColumn; "" when it is unique or has none
	lookups []keyedLookup // of the destinations, in their order

	zone *zone          // the server's own
	wall *time.Location // the job's zone for wall clocks; nil is the server's
}

// Identity is "host:port/db.table#scankey": the same for the same rows in the
// same order.
func (s *Source) Identity() string {
	return s.db.address + "." + s.schema.table + "#" + s.key.name
}

// ScanKey is the name of the column that orders the insert scan.
func (s *Source) ScanKey() string { return s.key.name }

// NumericKey reports whether the scan key is an integer of any width.
func (s *Source) NumericKey() bool { return s.key.kind == kindInteger }

// UpdateUnit is the smallest step of the update column, 0 without one.
func (s *Source) UpdateUnit() time.Duration {
	if s.update == nil {
		return 0
	}
	return s.update.step()
}

// BodyColumns are the names of all visible columns, in the order of Row.Body.
func (s *Source) BodyColumns() []string {
	names := make([]string, len(s.body))
	for i, c := range s.body {
		names[i] = c.name
	}
	return names
}

// from is the table with the index to use. Without force, servers leave the
// index for a full scan above some twentieth of the table.
func (s schema) from(index string) string {
	from := " FROM " + quote(s.table)
	if index != "" {
		from += " FORCE INDEX (" + quote(index) + ")"
	}
	return from
}

// Bounds reads the greatest scan key; found is false for an empty table. behind
// says that it sorts below the cursor, in the table's own order.
func (s *Source) Bounds(ctx context.Context, cursor job.Point) (top job.Point, found, behind bool, err error) {
	below := expression{sql: "0"}
	top1 := "MAX(" + s.key.quoted() + ")"
	if !cursor.Open() {
		operands, err := s.byKey.operands(cursor)
		if err != nil {
			return job.Point{}, false, false, fmt.Errorf("read bounds of %s: %w", s.schema.table, err)
		}
		below = expression{top1 + " < " + operands[0].sql, operands[0].args}
	}
	rows, err := s.db.rows(ctx, "read bounds of "+s.schema.table,
		"SELECT "+top1+", "+below.sql+s.schema.from(s.byKey.index), below.args...)
	if err != nil {
		return job.Point{}, false, false, err
	}
	if len(rows) == 0 || rows[0][0] == nil {
		return job.Point{}, false, false, nil
	}
	return job.KeyPoint(string(rows[0][0])), true, string(rows[0][1]) == "1", nil
}

// UpdateTop reads the newest update time; found is false when there is none
// that can be read.
func (s *Source) UpdateTop(ctx context.Context) (at time.Time, found bool, err error) {
	if s.update == nil {
		return time.Time{}, false, nil
	}
	rows, err := s.db.rows(ctx, "read the newest update of "+s.schema.table,
		"SELECT MAX("+s.update.quoted()+")"+s.schema.from(s.byTime.index))
	if err != nil || len(rows) == 0 {
		return time.Time{}, false, err
	}
	at, found = s.update.parse(rows[0][0], s.wallClock())
	return at, found, nil
}

// Clock reads the database's clock, in UTC, and the zone whose wall clock the
// update column shows: UTC for a column that holds instants. It also measures
// the server's own zone anew, which may have left summer time.
func (s *Source) Clock(ctx context.Context) (time.Time, *time.Location, error) {
	c, err := s.db.clock(ctx)
	if err != nil {
		return time.Time{}, nil, err
	}
	s.zone.Store(c.zone)
	return c.now, s.wallClock(), nil
}

func (s *Source) wallClock() *time.Location {
	switch {
	case s.update == nil || s.update.instant():
		return time.UTC
	case s.wall != nil:
		return s.wall
	default:
		return s.zone.Load()
	}
}

// shown is the zone in which a plain client sees a TIMESTAMP.
func (s *Source) shown() *time.Location {
	if s.db.shown != nil {
		return s.db.shown
	}
	return s.zone.Load()
}

// Lookup reads rows by their scan keys; keys without a row are left out. body
// adds Row.Body.
func (s *Source) Lookup(ctx context.Context, keys []string, body bool) ([]diff.Row, error) {
	columns := list([]string{s.key.quoted()}, s.fields.sql(), s.bodySQL(body))
	var found []diff.Row
	for chunk := range slices.Chunk(distinct(keys), maxKeys) {
		where, ok := s.key.in(values(chunk))
		if !ok {
			continue
		}
		rows, err := s.db.rows(ctx, "read rows of "+s.schema.table,
			"SELECT "+columns+s.schema.from(s.byKey.index)+" WHERE "+where.sql, where.args...)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found = append(found, s.row(row[0], row[1:]))
		}
	}
	return found, nil
}

func (s *Source) bodySQL(wanted bool) []string {
	if !wanted {
		return nil
	}
	columns := make([]string, len(s.body))
	for i, c := range s.body {
		columns[i] = bodySQL(c)
	}
	return columns
}

// row takes the compared columns and then, if they were read, those of the body.
func (s *Source) row(key diff.Value, read []diff.Value) diff.Row {
	compared, body := read[:len(s.fields):len(s.fields)], read[len(s.fields):]
	row := diff.Row{Key: string(key), Values: s.fields.values(compared)}
	if len(body) > 0 {
		shown := s.shown()
		for i, c := range s.body {
			body[i] = bodyValue(c, body[i], shown)
		}
		row.Body = body
	}
	return row
}

// Shared finds the rows whose byColumn value other source rows have too, by
// their scan keys. It asks nothing when the values are unique, or when no index
// finds them: that would read the whole table.
func (s *Source) Shared(ctx context.Context, rows []diff.Row) (map[string]bool, error) {
	shared := make(map[string]bool)
	if s.byPath == "" {
		return shared, nil
	}
	keys := make(map[string][]string) // by byColumn value
	var texts []string
	for _, row := range rows {
		if v := row.Values[s.by]; v != nil {
			keys[string(v)] = append(keys[string(v)], row.Key)
			texts = append(texts, string(v))
		}
	}
	by := s.fields[s.by]
	for chunk := range slices.Chunk(distinct(texts), maxKeys) {
		where, ok := by.column.in(values(chunk))
		if !ok {
			continue
		}
		// By bytes: values that only a collation holds for equal are not shared.
		found, err := s.db.rows(ctx, "read shared keys of "+s.schema.table,
			"SELECT "+by.sql()+s.schema.from(s.byPath)+" WHERE "+where.sql+
				" GROUP BY CAST("+by.column.quoted()+" AS BINARY) HAVING COUNT(*) > 1", where.args...)
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			for _, key := range keys[string(by.value(row[0]))] {
				shared[key] = true
			}
		}
	}
	return shared, nil
}

func values(texts []string) []diff.Value {
	values := make([]diff.Value, len(texts))
	for i, text := range texts {
		values[i] = diff.Value(text)
	}
	return values
}

func distinct(texts []string) []string {
	seen := make(map[string]bool, len(texts))
	var kept []string
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			kept = append(kept, text)
		}
	}
	return kept
}

// errNoUpdates is a caller's mistake: the job does not scan updates.
var errNoUpdates = errors.New("the job has no update column")

// order is that of a scan and its points.
func (s *Source) order(scan job.Scan, points ...job.Point) (order, error) {
	timed := scan == job.Update || scan == job.UpdateLate || slices.ContainsFunc(points, job.Point.Timed)
	if !timed {
		return s.byKey, nil
	}
	if s.update == nil {
		return order{}, errNoUpdates
	}
	return s.byTime, nil
}

func orderBy(o order) string { return " ORDER BY " + strings.Join(o.columns(), ", ") }
