package mysql

import (
	"context"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// Destination reads a table that should hold the source's rows. It is safe for
// concurrent use.
type Destination struct {
	db       *Database
	name     string
	schema   schema
	relation diff.Relation
	fields   fields
	index    string   // finds the byColumn; "" when there is none
	identity []string // the primary key, in SQL
	lookup   keyedLookup
}

// Name is that of the job's destination.
func (d *Destination) Name() string { return d.name }

// Relation says how the source's rows compare with this destination's.
func (d *Destination) Relation() diff.Relation { return d.relation }

// Lookup reads the rows that have one of these byColumn values of the source,
// by the server's own collation. NULL, and what the column cannot hold, is not
// asked for.
func (d *Destination) Lookup(ctx context.Context, by []diff.Value) ([]diff.Row, error) {
	column := d.fields[d.relation.ByDestination].column
	var found []diff.Row
	var seen once
	for chunk := range slices.Chunk(distinctValues(by), maxKeys) {
		where, ok := column.in(chunk)
		if !ok {
			continue
		}
		rows, err := d.db.rows(ctx, "read rows of "+d.schema.table,
			"SELECT "+list(d.fields.sql(), d.identity)+d.schema.from(d.index)+" WHERE "+where.sql, where.args...)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if seen.first(row[len(d.fields):]) {
				found = append(found, diff.Row{Values: d.fields.values(row[:len(d.fields):len(d.fields)])})
			}
		}
	}
	return found, nil
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
