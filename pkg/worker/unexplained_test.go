package worker

import (
	"context"
	"hash/crc32"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// hashing hashes the rows of both sides, as servers would that may be wrong.
type hashing struct {
	*tables
	wrong map[string]int // how many more copies of a key it hashes wrongly
	bare  string         // a key whose rows have no hash
}

func (h hashing) hash(rows []diff.Row, copies bool) []diff.Hashed {
	hashed := make([]diff.Hashed, len(rows))
	h.do(func() {
		for i, row := range rows {
			n := uint64(crc32.ChecksumIEEE(row.Values[1]))
			if copies && h.wrong[row.Key] > 0 {
				h.wrong[row.Key]--
				n++
			}
			hashed[i] = diff.Hashed{Row: row.Key, Key: diff.Key(row.Key), Hash: n}
			if row.Key == h.bare {
				hashed[i].Unhashed = true
			}
		}
	})
	return hashed
}

func (h hashing) Page(ctx context.Context, r job.Range, limit int) ([]diff.Hashed, job.Point, bool, error) {
	rows, next, more, err := h.tables.Page(ctx, r, limit)
	return h.hash(rows, false), next, more, err
}

func (h hashing) Lookup(ctx context.Context, keys []diff.Key) ([]diff.Hashed, error) {
	rows, err := far{h.tables}.Lookup(ctx, keys)
	return h.hash(rows, true), err
}

func (h hashing) Rehash(ctx context.Context, keys []string) (rows, copies []diff.Hashed, err error) {
	found, err := h.tables.Lookup(ctx, keys, false)
	if err != nil {
		return nil, nil, err
	}
	copies, err = h.Lookup(ctx, keysOf(relation, found))
	return h.hash(found, false), copies, err
}

func (h hashing) Compare(ctx context.Context, r job.Range) (rows int, suspects []string, err error) {
	for more := true; more; {
		var page []diff.Hashed
		if page, r.After, more, err = h.Page(ctx, r, 0); err != nil {
			return 0, nil, err
		}
		rows += len(page)
		copies, err := h.Lookup(ctx, keysOf(relation, asRows(page)))
		if err != nil {
			return 0, nil, err
		}
		suspects = append(suspects, unequal(page, copies)...)
	}
	return rows, suspects, nil
}

func asRows(page []diff.Hashed) []diff.Row {
	rows := make([]diff.Row, len(page))
	for i, h := range page {
		rows[i] = row(h.Row, "")
	}
	return rows
}

// TestHashesThatColumnsDoNotExplain are counted and told; a row that differs, one
// that only changed meanwhile, and one that a server cannot hash, are none.
func TestHashesThatColumnsDoNotExplain(t *testing.T) {
	t.Parallel()
	for name, aligned := range map[string]bool{"by key": false, "by range": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(waits)
				f.tables.source = map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5"}
				f.tables.far = map[string]string{"a": "1", "b": "2", "c": "3", "d": "x", "e": "5"}
				h := hashing{f.tables, map[string]int{"b": 1000, "c": 2}, "e"}
				if aligned {
					f.c.Targets[0].Ranges = h
				} else {
					f.c.Targets[0].Hashes = h
				}
				unexplained := map[string]int{}
				f.c.Meter.OnUnexplained = func(destination string, rows int) { unexplained[destination] += rows }
				f.queue.ranges = []job.LeasedRange{whole()}
				stop := f.start(t.Context())
				time.Sleep(time.Second)
				stop()
				require.Equal(t, map[string]int{"far": 1}, unexplained)
				require.Equal(t, []job.Counts{{"ranges": 1, "rows": 5, "differences": 1, "unexplained": 1}}, f.queue.acked)
				require.Len(t, f.queue.put, 1)
				require.Equal(t, "d", f.queue.put[0].Key)
			})
		})
	}
}

// TestOverlookedDifferencesAreExplained: options of a column hold rows for equal
// whose hashes cannot be.
func TestOverlookedDifferencesAreExplained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(waits)
		f.tables.source, f.tables.far = map[string]string{"a": "X"}, map[string]string{"a": "x"}
		bent := relation
		bent.Pairs = []diff.Pair{relation.Pairs[0], {Name: "name", Source: 1, Destination: 1, Options: diff.Options{IgnoreCase: true}}}
		f.c.Targets[0].Destination = related{far{f.tables}, bent}
		f.c.Targets[0].Hashes = hashing{f.tables, nil, ""}
		f.queue.ranges = []job.LeasedRange{whole()}
		stop := f.start(t.Context())
		time.Sleep(time.Second)
		stop()
		require.Equal(t, []job.Counts{{"ranges": 1, "rows": 1, "differences": 0}}, f.queue.acked)
	})
}

// related is a destination with another relation.
type related struct {
	far
	relation diff.Relation
}

func (r related) Relation() diff.Relation { return r.relation }
