package scheduler_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// version is one state of a row: visible from its commit until the next one's.
type version struct {
	key         string
	wall        time.Time // what the update column shows, as a DATETIME without a zone
	from, until time.Time // until is zero for the last one
}

func (v version) visible(at time.Time) bool {
	return !v.from.After(at) && (v.until.IsZero() || at.Before(v.until))
}

// table is a source table in memory. Its clock runs as the process's, skewed.
type table struct {
	mu       sync.Mutex
	versions []version
	text     bool // keys are texts
	unit     time.Duration
	skew     time.Duration
	zone     *time.Location
	down     error
	fails    func() error // asked before each query; may be nil
	queries  int
}

func (d *table) ask() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queries++
	if d.down != nil {
		return d.down
	}
	if d.fails != nil {
		return d.fails()
	}
	return nil
}

// asked is how many queries there were.
func (d *table) asked() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queries
}

// set changes the table between two queries.
func (d *table) set(change func(d *table)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *table) clock() time.Time { return time.Now().Add(d.skew).UTC() }

// write adds rows that take their update time now and become visible after delay.
func (d *table) write(delay time.Duration, keys ...string) {
	d.set(func(d *table) {
		for _, key := range keys {
			wall := wallOf(d.clock().In(d.zone)).Truncate(d.unit)
			d.versions = append(d.versions, version{key: key, wall: wall, from: time.Now().Add(delay)})
		}
	})
}

// fill adds visible rows with the keys first to last.
func (d *table) fill(first, last int) {
	for i := first; i <= last; i++ {
		d.write(0, strconv.Itoa(i))
	}
}

// wallOf is what a column without a zone keeps of a time.
func wallOf(at time.Time) time.Time {
	_, offset := at.Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// byKey is the table's order of keys.
func (d *table) byKey(a, b string) int {
	if d.text {
		return cmp.Compare(a, b)
	}
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c // decimal numbers without a sign
	}
	return cmp.Compare(a, b)
}

// above reports whether v sorts behind p.
func (d *table) above(v version, p job.Point) bool {
	if !p.Timed() {
		return p.Open() || d.byKey(v.key, p.Key[0]) > 0
	}
	switch c := v.wall.Compare(wallOf(p.At).Truncate(d.unit)); {
	case c != 0 || len(p.Key) == 0:
		return c > 0
	default:
		return d.byKey(v.key, p.Key[0]) > 0
	}
}

// within reports whether v lies in (after, upto].
func (d *table) within(v version, after, upto job.Point) bool {
	return d.above(v, after) && (upto.Open() || !d.above(v, upto))
}

func (d *table) NumericKey() bool { return !d.text }

func (d *table) UpdateUnit() time.Duration { return d.unit }

func (d *table) Clock(context.Context) (time.Time, *time.Location, error) {
	err := d.ask()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock(), d.zone, err
}

func (d *table) RecentClock(ctx context.Context) (time.Time, *time.Location, error) {
	return d.Clock(ctx)
}

func (d *table) Bounds(_ context.Context, cursor job.Point) (top job.Point, found, behind bool, err error) {
	if err := d.ask(); err != nil {
		return job.Point{}, false, false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	greatest := ""
	for _, v := range d.versions {
		if v.visible(time.Now()) && (!found || d.byKey(v.key, greatest) > 0) {
			greatest, found = v.key, true
		}
	}
	if !found {
		return job.Point{}, false, false, nil
	}
	return job.KeyPoint(greatest), true, !cursor.Open() && d.byKey(greatest, cursor.Key[0]) < 0, nil
}

func (d *table) Still(ctx context.Context, top job.Point) (bool, error) {
	found, some, _, err := d.Bounds(ctx, top)
	return some && found.String() == top.String(), err
}

func (d *table) Quiet(ctx context.Context, after, upto job.Point) (bool, error) {
	_, some, err := d.Step(ctx, job.Update, after, upto, 1)
	return !some && err == nil, err
}

func (d *table) Step(_ context.Context, _ job.Scan, after, upto job.Point, n int) (job.Point, bool, error) {
	if err := d.ask(); err != nil {
		return job.Point{}, false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []version
	for _, v := range d.versions {
		if v.visible(time.Now()) && d.within(v, after, upto) {
			found = append(found, v)
		}
	}
	if len(found) < n {
		return job.Point{}, false, nil
	}
	timed := upto.Timed()
	slices.SortFunc(found, func(a, b version) int {
		if timed && !a.wall.Equal(b.wall) {
			return a.wall.Compare(b.wall)
		}
		return d.byKey(a.key, b.key)
	})
	v := found[n-1]
	if !timed {
		return job.KeyPoint(v.key), true, nil
	}
	_, offset := upto.At.Zone()
	at := v.wall.Add(-time.Duration(offset) * time.Second).In(upto.At.Location())
	return job.Point{At: at, Key: []string{v.key}}, true, nil
}
