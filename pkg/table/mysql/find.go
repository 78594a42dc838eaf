package mysql

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// finder finds rows by the values of one column, as the server's collation
// does. NULL, and what the column cannot hold, is not asked for.
type finder struct {
	db       *Database
	schema   schema
	column   column
	index    string   // to use; "" when none finds the values
	identity []string // tells one row from another, in SQL
	where    func(expression) string
}

// rows reads columns of the rows that have one of the values.
func (f finder) rows(ctx context.Context, columns []string, by []diff.Value) ([][]diff.Value, error) {
	var found [][]diff.Value
	var seen once
	for condition := range f.conditions(by) {
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

// hashes reads keys and hashes of the rows that have one of the values.
func (f finder) hashes(ctx context.Context, h hashing, by []diff.Value) ([]diff.Hashed, error) {
	var found []diff.Hashed
	var seen once
	identity := make([]diff.Value, len(f.identity))
	for condition := range f.conditions(by) {
		err := f.db.each(ctx, "read hashes of "+f.schema.table, "SELECT "+list([]string{h.key, h.hash}, f.identity)+condition,
			func(row []driver.Value) error {
				for i := range identity {
					identity[i] = shown(row[i+2])
				}
				if seen.first(identity) {
					found = append(found, hashed(row[0], row[1]))
				}
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// conditions ask for some of the values each.
func (f finder) conditions(by []diff.Value) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for chunk := range slices.Chunk(distinctValues(by), maxKeys) {
			in, ok := f.column.in(chunk)
			if ok && !yield(f.schema.from(f.index)+" WHERE "+f.where(in)) {
				return
			}
		}
	}
}

// distinctValues leaves out NULL too.
func distinctValues(values []diff.Value) []diff.Value {
	seen := make(map[string]bool, len(values))
	var kept []diff.Value
	for _, v := range values {
		if v != nil && !seen[string(v)] {
			seen[string(v)] = true
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
