package mysql

import (
	"context"
	"slices"
	"time"

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
	by       keyColumns
	filter   filter // rows that do not meet it count as not there
	index    index  // finds the byColumns; without a name there is none
	lookup   keyedLookup
	clock    func() *time.Location // on which a callback body shows a TIMESTAMP
}

// Name is that of the job's destination.
func (d *Destination) Name() string { return d.name }

// Relation says how the source's rows compare with this destination's.
func (d *Destination) Relation() diff.Relation { return d.relation }

// Shown is a row as a callback body shows it, as far as its columns are compared,
// TIMESTAMP on the same clock as the source's.
func (d *Destination) Shown(row diff.Row) (names []string, values []diff.Value) {
	for i, f := range d.fields {
		if slices.Contains(names, f.column.name) {
			continue // it is read in another form as well
		}
		v := row.Values[i]
		if f.wall == nil || f.column.kind != kindTimestamp { // else it is shown on that clock already
			v = bodyValue(f.column, v, d.clock())
		}
		names, values = append(names, f.column.name), append(values, v)
	}
	return names, values
}

// Lookup reads the rows that have one of these keys of the source, by the
// server's own collation. What the columns cannot hold is not asked for.
func (d *Destination) Lookup(ctx context.Context, keys []diff.Key) ([]diff.Row, error) {
	read, err := d.finder().rows(ctx, d.fields.sql(), keys)
	if err != nil {
		return nil, err
	}
	rows := make([]diff.Row, len(read))
	for i, values := range read {
		rows[i].Values = d.fields.values(values)
	}
	return rows, nil
}

func (d *Destination) finder() finder {
	return finder{
		db: d.db, schema: d.schema, by: d.by, index: d.index,
		identity: d.schema.identity(), unique: d.schema.unique(d.by.names()...), where: d.filter.where,
	}
}
