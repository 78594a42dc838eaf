package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
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
	by      keyColumns    // the byColumns, the first of the fields
	filter  filter        // rows that do not meet it count as not there
	byPath  index         // finds the byColumns; without a name they are unique, or have none
	lookups []keyedLookup // of the destinations, in their order

	zone  *zone          // the server's own
	zoned atomic.Int64   // when it was last measured, Unix seconds
	wall  *time.Location // the job's zone for wall clocks; nil is the server's
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

// Still reports whether top is still the greatest scan key. It may share a statement
// with looks of other jobs at the same server.
func (s *Source) Still(ctx context.Context, top job.Point) (bool, error) {
	found, err := s.db.glance(ctx, "read bounds of "+s.schema.table, expression{sql: "(SELECT MAX(" + s.key.quoted() + ")" + s.schema.from(s.byKey.index) + ")"})
	return found != nil && job.KeyPoint(string(found)).String() == top.String(), err
}

// Quiet reports whether there is no row with an update time in (after, upto]. It may
// share a statement as Still.
func (s *Source) Quiet(ctx context.Context, after, upto job.Point) (bool, error) {
	operation := "read bounds of " + s.schema.table
	o, where, err := s.scan(job.Update, after, upto)
	if err != nil {
		return false, fmt.Errorf("%s: %w", operation, err)
	}
	found, err := s.db.glance(ctx, operation, expression{"(SELECT 1" + s.schema.from(o.index) + " WHERE " + where.sql + " LIMIT 1)", where.args})
	return found == nil && err == nil, err
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

// remeasure is how long a zone whose rules are known is taken for the server's.
const remeasure = time.Minute

// Clock reads the database's clock, in UTC, and the zone whose wall clock the
// update column shows: UTC for a column that holds instants. Now and then it also
// measures the server's own zone anew, and each time where only its offset is
// known: it may have left summer time.
func (s *Source) Clock(ctx context.Context) (time.Time, *time.Location, error) {
	if s.zoneKnown() {
		now, _, err := s.db.now(ctx)
		return now, s.wallClock(), err
	}
	c, err := s.db.clock(ctx)
	if err != nil {
		return time.Time{}, nil, err
	}
	s.zone.Store(c.zone)
	s.zoned.Store(time.Now().Unix())
	return c.now, s.wallClock(), nil
}

// recently is how old a reading of the clock may be where an older one does no harm.
const recently = 250 * time.Millisecond

// RecentClock is Clock, or what another job of this process read of the same server a
// moment ago: never ahead of the server's clock, and up to a quarter of a second behind it.
func (s *Source) RecentClock(ctx context.Context) (time.Time, *time.Location, error) {
	if s.zoneKnown() {
		if now, ok := s.db.connector.last.recent(); ok {
			return now, s.wallClock(), nil
		}
		now, err := s.db.glanceAtClock(ctx)
		return now, s.wallClock(), err
	}
	return s.Clock(ctx)
}

// zoneKnown reports whether the server's own zone need not be measured now.
func (s *Source) zoneKnown() bool {
	age := time.Since(time.Unix(s.zoned.Load(), 0))
	return age < remeasure && age >= 0 && ruled(s.zone.Load())
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
	return s.lookup(ctx, s.scanned(), diff.Keys(keys), body)
}

// LookupBy reads rows by the byColumns. Where no index finds them, it reads the
// whole table: it is for people.
func (s *Source) LookupBy(ctx context.Context, keys []diff.Key) ([]diff.Row, error) {
	return s.lookup(ctx, s.finder(s.by, s.byPath), keys, false)
}

func (s *Source) lookup(ctx context.Context, f finder, keys []diff.Key, body bool) ([]diff.Row, error) {
	read, err := f.rows(ctx, slices.Concat([]string{s.key.quoted()}, s.fields.sql(), s.bodySQL(body)), keys)
	if err != nil {
		return nil, err
	}
	found := make([]diff.Row, len(read))
	for i, row := range read {
		found[i] = s.row(row[0], row[1:])
	}
	return found, nil
}

// scanned finds rows by their scan keys.
func (s *Source) scanned() finder { return s.finder(keyColumns{s.key}, index{name: s.byKey.index}) }

func (s *Source) finder(by keyColumns, path index) finder {
	return finder{db: s.db, schema: s.schema, by: by, index: path, where: s.filter.where}
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

// Shared finds the rows whose key other source rows have too, by their scan
// keys. It asks nothing when keys are unique, or when no index finds them: that
// would read the whole table.
func (s *Source) Shared(ctx context.Context, rows []diff.Row) (map[string]bool, error) {
	shared := make(map[string]bool)
	if s.byPath.name == "" {
		return shared, nil
	}
	scanKeys := make(map[diff.Key][]string)
	var keys []diff.Key
	for _, row := range rows {
		if key, ok := diff.NewKey(row.Values[:len(s.by)]...); ok {
			scanKeys[key] = append(scanKeys[key], row.Key)
			keys = append(keys, key)
		}
	}
	columns, exact := s.fields[:len(s.by)].sql(), make([]string, len(s.by))
	for i, c := range s.by {
		exact[i] = c.asBytes() // values that only a collation holds for equal are not shared
	}
	for condition := range s.finder(s.by, s.byPath).conditions(keys) {
		found, err := s.db.rows(ctx, "read shared keys of "+s.schema.table,
			"SELECT "+list(columns)+condition+" GROUP BY "+list(exact)+" HAVING COUNT(*) > 1")
		if err != nil {
			return nil, err
		}
		for _, row := range found {
			if key, ok := diff.NewKey(s.fields[:len(s.by)].values(row)...); ok {
				for _, scanKey := range scanKeys[key] {
					shared[scanKey] = true
				}
			}
		}
	}
	return shared, nil
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
