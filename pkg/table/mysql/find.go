package mysql

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// finder finds rows by their keys, as the server's collation does. What the
// columns cannot hold is not asked for.
type finder struct {
	db       *Database
	schema   schema
	by       keyColumns
	index    index    // to use; without a name none finds the keys
	identity []string // tells one row from another, in SQL
	where    func(expression) string
}

// rows reads columns of the rows that have one of the keys.
func (f finder) rows(ctx context.Context, columns []string, keys []diff.Key) ([][]diff.Value, error) {
	var found [][]diff.Value
	var seen once
	for condition := range f.conditions(keys) {
		read, err := f.db.rows(ctx, "read rows of "+f.schema.table, "SELECT "+list(columns, f.identity)+condition)
		if err != nil {
			return nil, err
		}
		for _, row := range read {
			if seen.first(row[len(columns):]) {
				found = append(found, row[:len(columns):len(columns)])
			}
		}
	}
	return found, nil
}

// hashes reads keys and hashes of the rows that have one of the keys.
func (f finder) hashes(ctx context.Context, h hashing, keys []diff.Key) ([]diff.Hashed, error) {
	var found []diff.Hashed
	var seen once
	identity := make([]diff.Value, len(f.identity))
	for condition := range f.conditions(keys) {
		err := f.db.each(ctx, "read hashes of "+f.schema.table, "SELECT "+list(h.listed(), f.identity)+condition,
			func(row []driver.Value) uint64 {
				read, rest := h.hashed(row)
				for i := range identity {
					identity[i] = shown(rest[i])
				}
				if seen.first(identity) {
					found = append(found, read)
				}
				return 1
			})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// conditions ask for some of the keys each.
func (f finder) conditions(keys []diff.Key) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for chunk := range slices.Chunk(distinct(keys), maxKeys) {
			in, ok := f.by.in(chunk, f.index)
			if ok && !yield(f.schema.from(f.index.name)+" WHERE "+f.where(in)) {
				return
			}
		}
	}
}

// distinct leaves out what is there already.
func distinct[T comparable](all []T) []T {
	seen := make(map[T]bool, len(all))
	var kept []T
	for _, v := range all {
		if !seen[v] {
			seen[v] = true
			kept = append(kept, v)
		}
	}
	return kept
}

// once tells rows that were not met before: two queries find the same row when
// it equals a key of each by collation, and two would pass for a duplicate.
type once struct{ seen map[string]bool }

// first reports whether a row is met for the first time. Without an identity
// each is.
func (o *once) first(identity []diff.Value) bool {
	if len(identity) == 0 {
		return true
	}
	var b strings.Builder
	for _, v := range identity {
		b.WriteString(quote(string(v)))
	}
	if o.seen == nil {
		o.seen = make(map[string]bool)
	}
	known := o.seen[b.String()]
	o.seen[b.String()] = true
	return !known
}
