package mysql

import (
	"context"
	"errors"
	"fmt"
	"math"
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
		"SELECT "+list(o.selected())+s.schema.from(o.index)+" WHERE "+where.sql+orderBy(o)+
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
	read, next, more, err := s.pages(ctx, r, limit, list(s.fields.sql()))
	if err != nil {
		return nil, job.Point{}, false, err
	}
	rows = make([]diff.Row, len(read))
	for i, values := range read {
		rows[i] = s.row(values[0], values[1:])
	}
	return rows, next, more, nil
}

// pages reads the scan key and these columns of the rows of r.
func (s *Source) pages(ctx context.Context, r job.Range, limit int, columns ...string) ([][]diff.Value, job.Point, bool, error) {
	operation := "read a page of " + s.schema.table
	o, err := s.order(r.Scan, r.After, r.UpTo)
	if err != nil {
		return nil, job.Point{}, false, fmt.Errorf("%s: %w", operation, err)
	}
	return pager{
		db: s.db, operation: operation, order: o, zone: s.zoneOf(r.After, r.UpTo),
		columns: append([]string{s.key.quoted()}, columns...), from: s.schema.from(o.index), where: s.filter.where,
	}.page(ctx, r.After, r.UpTo, limit)
}

// pager reads a table page by page in an order.
type pager struct {
	db        *Database
	operation string
	order     order
	zone      *time.Location // of the order's times
	columns   []string       // to read, in SQL
	from      string
	where     func(expression) string
}

// page reads at most limit rows of (after, upto], or all of one place.
func (p pager) page(ctx context.Context, after, upto job.Point, limit int) (read [][]diff.Value, next job.Point, more bool, err error) {
	limit = max(limit, 1)
	tail := orderBy(p.order) + " LIMIT " + strconv.Itoa(limit+1)
	if len(p.order.columns()) == 0 {
		tail, limit = "", math.MaxInt // where nothing says how to go on, all are read
	}
	read, err = p.read(ctx, after, upto, tail)
	if err != nil {
		return nil, job.Point{}, false, err
	}
	if len(read) <= limit {
		return p.strip(read), upto, false, nil
	}
	end, next, ok := p.order.cut(read, p.zone)
	if ok {
		return p.strip(read[:end]), next, true, nil
	}
	// All rows share the place of the first: there are more than a page.
	next, ok = p.order.place(read[0][:len(p.order.columns())], p.zone)
	if p.order.unique || !ok {
		return nil, job.Point{}, false, fmt.Errorf("%s: %w", p.operation, unreadable{errUnreadableTimes})
	}
	if read, err = p.read(ctx, after, next, orderBy(p.order)); err != nil {
		return nil, job.Point{}, false, err
	}
	return p.strip(read), next, true, nil
}

func (p pager) read(ctx context.Context, after, upto job.Point, tail string) ([][]diff.Value, error) {
	where, err := p.order.within(after, upto)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.operation, err)
	}
	return p.db.rows(ctx, p.operation,
		"SELECT "+list(p.order.selected(), p.columns)+p.from+" WHERE "+p.where(where)+tail)
}

// strip takes the places from the rows.
func (p pager) strip(read [][]diff.Value) [][]diff.Value {
	for i := range read {
		read[i] = read[i][len(p.order.columns()):]
	}
	return read
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
