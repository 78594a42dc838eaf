package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Step finds the place of the n-th row, from 1, of (after, upto]; false when
// there are fewer. It costs one query on the index, however wide the holes are.
func (s *Source) Step(ctx context.Context, scan job.Scan, after, upto job.Point, n int) (job.Point, bool, error) {
	operation := "step through " + s.schema.table
	o, where, err := s.scan(scan, after, upto)
	if err != nil {
		return job.Point{}, false, fmt.Errorf("%s: %w", operation, err)
	}
	rows, err := s.db.rows(ctx, operation,
		"SELECT "+list(o.columns())+s.schema.from(o.index)+" WHERE "+where.sql+orderBy(o)+
			" LIMIT 1 OFFSET "+strconv.Itoa(max(n, 1)-1), where.args...)
	if err != nil || len(rows) == 0 {
		return job.Point{}, false, err
	}
	point, ok := o.place(rows[0], s.zoneOf(after, upto))
	return point, ok, nil
}

// errUnreadableTimes ends a page on which no row says where to go on.
var errUnreadableTimes = errors.New("the update column of a whole page of rows cannot be read as a time")

// Page reads at most limit rows of r in the order of its scan. With more, go on
// with r.After = next. Rows that share one place are never parted, so a page of
// a scan key that is not unique may be longer.
func (s *Source) Page(ctx context.Context, r job.Range, limit int) (rows []diff.Row, next job.Point, more bool, err error) {
	operation := "read a page of " + s.schema.table
	o, where, err := s.scan(r.Scan, r.After, r.UpTo)
	if err != nil {
		return nil, job.Point{}, false, fmt.Errorf("%s: %w", operation, err)
	}
	limit = max(limit, 1)
	read, err := s.db.rows(ctx, operation, s.pageSQL(o, where)+" LIMIT "+strconv.Itoa(limit+1), where.args...)
	if err != nil {
		return nil, job.Point{}, false, err
	}
	if len(read) <= limit {
		return s.page(o, read), r.UpTo, false, nil
	}
	end, next, ok := o.cut(read, s.zoneOf(r.After, r.UpTo))
	if ok {
		return s.page(o, read[:end]), next, true, nil
	}
	if o.unique {
		return nil, job.Point{}, false, fmt.Errorf("%s: %w", operation, errUnreadableTimes)
	}
	return s.crowd(ctx, r, o, read[0])
}

// crowd reads all rows that share the place of one: there are more than a page.
func (s *Source) crowd(ctx context.Context, r job.Range, o order, first []diff.Value) ([]diff.Row, job.Point, bool, error) {
	operation := "read a page of " + s.schema.table
	place, ok := o.place(first[:len(o.columns())], s.zoneOf(r.After, r.UpTo))
	if !ok {
		return nil, job.Point{}, false, fmt.Errorf("%s: %w", operation, errUnreadableTimes)
	}
	where, err := o.within(r.After, place)
	if err != nil {
		return nil, job.Point{}, false, fmt.Errorf("%s: %w", operation, err)
	}
	read, err := s.db.rows(ctx, operation, s.pageSQL(o, where), where.args...)
	if err != nil {
		return nil, job.Point{}, false, err
	}
	return s.page(o, read), place, true, nil
}

// cut finds how many rows of a full page to keep, and the place of the last: up
// to a row whose place can be read and is not shared by the row behind it.
func (o order) cut(read [][]diff.Value, zone *time.Location) (end int, next job.Point, ok bool) {
	width := len(o.columns())
	for end = len(read) - 1; end > 0; end-- {
		last, behind := read[end-1][:width], read[end][:width]
		if !o.unique && slices.EqualFunc(last, behind, sameText) {
			continue
		}
		if next, ok = o.place(last, zone); ok {
			return end, next, true
		}
	}
	return 0, job.Point{}, false
}

// sameText is wider than bytes, as collations are: it is harmless to keep rows
// together that could be parted.
func sameText(a, b diff.Value) bool { return strings.EqualFold(string(a), string(b)) }

// pageSQL selects the place, the scan key and the compared columns.
func (s *Source) pageSQL(o order, where expression) string {
	return "SELECT " + list(o.columns(), []string{s.key.quoted()}, s.fields.sql()) +
		s.schema.from(o.index) + " WHERE " + where.sql + orderBy(o)
}

func (s *Source) page(o order, read [][]diff.Value) []diff.Row {
	width := len(o.columns())
	rows := make([]diff.Row, len(read))
	for i, r := range read {
		rows[i] = s.row(r[width], r[width+1:])
	}
	return rows
}

func (s *Source) scan(scan job.Scan, after, upto job.Point) (order, expression, error) {
	o, err := s.order(scan, after, upto)
	if err != nil {
		return order{}, expression{}, err
	}
	where, err := o.within(after, upto)
	return o, where, err
}

// zoneOf is the wall clock of a range, so that its points can be continued. It
// is the bare offset: in a zone with summer time some wall clocks do not exist,
// and columns hold them all the same.
func (s *Source) zoneOf(after, upto job.Point) *time.Location {
	at := upto.At
	switch {
	case upto.Timed():
	case after.Timed():
		at = after.At
	default:
		at = at.In(s.wallClock())
	}
	_, seconds := at.Zone()
	return fixedZone(seconds)
}
