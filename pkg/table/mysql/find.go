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
	unique   bool     // no two rows share a key
	where    func(expression) string
}

// rows reads columns of the rows that have one of the keys.
func (f finder) rows(ctx context.Context, columns []string, keys []diff.Key) ([][]diff.Value, error) {
	var found [][]diff.Value
	var seen once
	if len(keys) > maxKeys && len(f.identity) > 0 {
		seen = once{}
	}
	for condition := range f.conditions(keys) {
		read, err := f.db.rows(ctx, "read rows of "+f.schema.table, "SELECT "+list(columns, f.identity)+condition)
		if err != nil {
			return nil, err
		}
		found = slices.Grow(found, len(read))
		for _, row := range read {
			if seen == nil || seen.first(identityText(row[len(columns):])) {
				found = append(found, row[:len(columns):len(columns)])
			}
		}
	}
	return found, nil
}

// hashes reads keys and hashes of the rows that have one of the keys.
func (f finder) hashes(ctx context.Context, h hashing, keys []diff.Key) ([]diff.Hashed, error) {
	found := make([]diff.Hashed, 0, len(keys))
	columns := f.identity
	if f.unique {
		columns = nil // the key itself tells rows apart
	}
	var seen once
	if len(keys) > maxKeys && (f.unique || len(columns) > 0) {
		seen = make(once, len(keys))
	}
	identity := make([]diff.Value, len(columns))
	for condition := range f.conditions(keys) {
		err := f.db.each(ctx, "read hashes of "+f.schema.table, "SELECT "+list(h.listed(), columns)+condition,
			func(row []driver.Value) uint64 {
				read, rest := h.hashed(row)
				text := string(read.Key)
				if len(columns) > 0 {
					for i := range columns {
						identity[i] = shown(rest[i])
					}
					text = identityText(identity)
				}
				if seen.first(text) {
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
		if len(f.identity) == 0 { // nothing would tell that a row is found twice
			keys = distinct(keys)
		}
		for chunk := range slices.Chunk(keys, maxKeys) {
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
// it equals a key of each by collation, and two would pass for a duplicate. A nil
// one takes each for new.
type once map[string]struct{}

// first reports whether a row is met for the first time.
func (o once) first(identity string) bool {
	if o == nil {
		return true
	}
	before := len(o)
	o[identity] = struct{}{}
	return len(o) > before
}

func identityText(values []diff.Value) string {
	var b strings.Builder
	for _, v := range values {
		b.WriteString(quote(string(v)))
	}
	return b.String()
}
