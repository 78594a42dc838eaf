package mysql

import (
	"cmp"
	"context"
	"fmt"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Strategy is how two whole tables are compared.
type Strategy string

// The strategies. Each gives the same verdicts.
const (
	// RangeChecksum folds the same stretch of an integer key on both sides.
	RangeChecksum Strategy = "range checksum"
	// KeyedBuckets folds rows by a hash of their keys, each side in an order of
	// its own.
	KeyedBuckets Strategy = "keyed buckets"
	// Rows fetches both sides.
	Rows Strategy = "rows"
)

// PairingOptions are what a comparison of two whole tables may choose.
type PairingOptions struct {
	// Checksum is a row's hash; "" is the job's.
	Checksum job.Checksum
	// SourceWhere and DestinationWhere are SQL conditions that rows must meet to
	// be compared, besides those of the job; empty is all rows.
	SourceWhere, DestinationWhere string
}

// Pairing is a source and one destination as two whole tables.
type Pairing struct {
	strategy            Strategy
	reason              string
	relation            diff.Relation
	source, destination *Side
	respelling          bool
}

// Pairing pairs the source with its n-th destination, from 0.
func (p *Plan) Pairing(n int, o PairingOptions) *Pairing {
	source, destination := p.Source, p.Destinations[n]
	left := &Side{db: source.db, schema: source.schema, fields: source.fields, filter: source.filter.and(o.SourceWhere), scanKey: source.key.quoted()}
	right := &Side{db: destination.db, schema: destination.schema, fields: destination.fields, filter: destination.filter.and(o.DestinationWhere)}
	pairing := &Pairing{source: left, destination: right}
	pair, aligned := alignment(source, destination)
	if aligned {
		pairing.relation = alignedRelation(destination.relation, pair)
		left.order, right.order = keyOrder(source.schema, source.fields[pair.Source]), keyOrder(destination.schema, destination.fields[pair.Destination])
	} else {
		pairing.relation = destination.relation
		left.order, right.order = ownOrder(source.schema), ownOrder(destination.schema)
	}
	for _, by := range pairing.relation.By {
		from, to := source.fields[by.Source].column, destination.fields[by.Destination].column
		pairing.respelling = pairing.respelling || from.kind.text() && !to.kind.text() && !to.kind.bytes()
		left.by, right.by = append(left.by, from.related(to)), append(right.by, to.related(from))
	}
	left.byIndex, _ = source.schema.finding(left.by.names()...)
	right.byIndex, _ = destination.schema.finding(right.by.names()...)
	var why string
	strong := p.strong
	if o.Checksum != "" {
		strong = o.Checksum == job.ChecksumStrong
	}
	left.hashing, right.hashing, why = hashings(source.fields, destination.fields, pairing.relation, strong)
	if unmatchable(left.by, right.by) != "" { // a row is found by its own spelling only
		left.hashing.key, right.hashing.key = keysAsTheyAre(source.fields, destination.fields, pairing.relation)
	}
	pairing.strategy, pairing.reason = choose(left, right, aligned, cmp.Or(source.schema.unhashed, destination.schema.unhashed, why))
	return pairing
}

// Understood has the servers read the conditions of a pairing with the n-th
// destination. Mistakes come back as one *table.ConfigError.
func (p *Plan) Understood(ctx context.Context, n int, o PairingOptions) error {
	i := &inspection{}
	for _, c := range []struct {
		db    *Database
		table schema
		where string
	}{{p.Source.db, p.Source.schema, o.SourceWhere}, {p.Destinations[n].db, p.Destinations[n].schema, o.DestinationWhere}} {
		i.filter(ctx, fmt.Sprintf("%s.%s", c.db.address, c.table.table), c.db, c.table, c.where)
	}
	return i.err()
}

// Strategy is how to compare the two tables.
func (p *Pairing) Strategy() Strategy { return p.strategy }

// Respelling reports whether a row of the destination does not tell how the source
// spells its key: as a text of a number or a time.
func (p *Pairing) Respelling() bool { return p.respelling }

// Reason says to people why it is this strategy: which column, which index.
func (p *Pairing) Reason() string { return p.reason }

// Relation says how the rows of both sides belong together: by the aligned key,
// else by the byColumns.
func (p *Pairing) Relation() diff.Relation { return p.relation }

// Source is the side that is right.
func (p *Pairing) Source() *Side { return p.source }

// Destination is the side that should equal it.
func (p *Pairing) Destination() *Side { return p.destination }

// alignment finds the pair of columns that is an integer key of both sides, the
// source's scan key among them.
func alignment(source *Source, destination *Destination) (diff.Pair, bool) {
	for _, pair := range destination.relation.Pairs {
		if !pair.Options.None() {
			continue
		}
		a, b := source.fields[pair.Source].column, destination.fields[pair.Destination].column
		if a.name == source.key.name && keyed(source.schema, a) && keyed(destination.schema, b) {
			return pair, true
		}
	}
	return diff.Pair{}, false
}

// keyed reports whether every row has an integer of its own in the column.
func keyed(s schema, c column) bool {
	return c.kind == kindInteger && c.dataType != "year" && !c.nullable && s.unique(c.name)
}

// alignedRelation relates rows by the pair. The byColumns become compared
// columns: another byColumn is another row.
func alignedRelation(r diff.Relation, key diff.Pair) diff.Relation {
	return diff.Relation{By: []diff.Pair{key}, Pairs: keyFirst(r)}
}

// choose takes the cheapest strategy that gives the verdicts of the rows.
func choose(source, destination *Side, aligned bool, why string) (Strategy, string) {
	if why != "" {
		return Rows, why
	}
	if aligned {
		return RangeChecksum, fmt.Sprintf("%s and the destination's %s are unique integers: ranges of them are the same rows on both sides",
			source.by, destination.by)
	}
	by := fmt.Sprintf("rows are related by %s and the destination's %s", source.by, destination.by)
	if source.byIndex.name == "" || destination.byIndex.name == "" {
		by += " (an index is lacking: each look-up reads a whole table)"
	}
	if why := unmatchable(source.by, destination.by); why != "" {
		return Rows, by + ": " + why
	}
	if !source.schema.unique(source.by.names()...) && !destination.schema.unique(destination.by.names()...) {
		return Rows, by + ", which no index says to be unique on either side: equal rows might cancel each other out; a UNIQUE index on one side allows hashes"
	}
	return KeyedBuckets, by + ", each side is read in the order of " + source.order.String() + " and " + destination.order.String()
}

// unmatchable says why equal keys do not find each other's rows on the server,
// "" when they do.
func unmatchable(source, destination keyColumns) string {
	for n := range source {
		a, b := source[n], destination[n]
		switch rule := ruleOf(a, b); {
		case rule == diff.ZeroPadded && a.fullType != b.fullType:
			return "the server tells BINARY values of different widths apart"
		case rule == diff.SpacePadded && (!padsSpaces(a) || !padsSpaces(b)):
			return "a collation without padding tells values with trailing spaces apart"
		}
	}
	return ""
}
