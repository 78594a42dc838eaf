package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
)

// Plan is how a job's tables are read.
type Plan struct {
	Source       *Source
	Destinations []*Destination  // in the order of the job's
	strong       bool            // the job's checksum
	Warnings     []table.Problem // what works, but not as well as it could
}

// Inspect looks at all tables of a job. Mistakes come back all at once, as one
// *table.ConfigError; any other error means that a database is unavailable.
func Inspect(ctx context.Context, j job.Job, source *Database, destinations []*Database) (*Plan, error) {
	if len(destinations) != len(j.Destinations) {
		return nil, fmt.Errorf("inspect %s: %d databases for %d destinations", j.Name, len(destinations), len(j.Destinations))
	}
	i := &inspection{job: j}
	plan := &Plan{strong: j.Checksum == job.ChecksumStrong, Source: i.source(ctx, source)}
	for n, d := range j.Destinations {
		plan.Destinations = append(plan.Destinations, i.destination(ctx, plan.Source, d, destinations[n]))
	}
	if err := i.err(); err != nil {
		return nil, err
	}
	for _, destination := range plan.Destinations {
		destination.lookup = newKeyedLookup(plan.Source, destination, plan.strong)
		destination.clock = plan.Source.shown
		plan.Source.lookups = append(plan.Source.lookups, destination.lookup)
	}
	plan.Warnings = i.warnings
	return plan, nil
}

// inspection collects what one look at a job's tables finds.
type inspection struct {
	job         job.Job
	problems    []table.Problem
	warnings    []table.Problem
	unavailable []error
}

// err are the mistakes, or else what was out of reach.
func (i *inspection) err() error {
	if len(i.problems) > 0 {
		return &table.ConfigError{Problems: i.problems}
	}
	return errors.Join(i.unavailable...)
}

func (i *inspection) problem(where, what, mend string) {
	i.problems = append(i.problems, table.Problem{Where: where, What: what, Mend: mend})
}

func (i *inspection) warn(where, what, mend string) {
	i.warnings = append(i.warnings, table.Problem{Where: where, What: what, Mend: mend})
}

// lenient is a problem, or a warning where the job bears it.
func (i *inspection) lenient(where, what, mend string) {
	if i.job.Lenient {
		i.warn(where, what, mend)
		return
	}
	i.problem(where, what, mend)
}

// failed keeps an error in its place: mistake or unavailable. The same server
// may answer the same to several questions; one line says it.
func (i *inspection) failed(err error) {
	mistake, ok := errors.AsType[*table.ConfigError](err)
	if !ok {
		i.unavailable = append(i.unavailable, err)
		return
	}
	for _, p := range mistake.Problems {
		known := false
		for _, q := range i.problems {
			known = known || p == q
		}
		if !known {
			i.problems = append(i.problems, p)
		}
	}
}

// schema reads a table that has to exist.
func (i *inspection) schema(ctx context.Context, d *Database, where, name string) (schema, bool) {
	s, err := d.describe(ctx, name)
	if err != nil {
		i.failed(err)
		return schema{}, false
	}
	if len(s.columns) == 0 {
		i.unseen(ctx, d, where, name)
		return schema{}, false
	}
	return s, true
}

// unseen says why a table shows no columns: to an account without rights on it,
// information_schema holds nothing of it.
func (i *inspection) unseen(ctx context.Context, d *Database, where, name string) {
	account, denied := d.denied(ctx, name)
	if !denied {
		i.problem(where, "the table does not exist in database "+quote(d.name), "correct the table name, or create the table")
		return
	}
	i.problem(where, "the account may not read the table, if it exists in database "+quote(d.name),
		d.GrantSQL(name, account)+", or correct the table name")
}

// source inspects the source; nil when it has no columns to go on with.
func (i *inspection) source(ctx context.Context, d *Database) *Source {
	name := i.job.Source.Shard.Table
	where := fmt.Sprintf("source %s.%s", d.address, name)
	s, ok := i.schema(ctx, d, where, name)
	if !ok {
		return nil
	}
	source := &Source{db: d, schema: s, zone: new(zone)}
	for _, c := range s.columns {
		if !c.invisible {
			source.body = append(source.body, c)
		}
	}
	if c, err := d.clock(ctx); err != nil {
		i.failed(err)
	} else {
		source.zone.Store(c.zone)
	}
	source.filter = i.filter(ctx, where, d, s, i.job.Source.Where)
	i.scanKey(where, source)
	i.updates(where, source)
	i.sourceBy(where, source)
	return source
}

// sourceBy finds the columns that relate rows.
func (i *inspection) sourceBy(where string, source *Source) {
	by := i.byColumns(where, source.schema, i.job.Source.ByColumns)
	if by == nil {
		return
	}
	source.by = by
	for _, c := range by {
		source.fields, _ = source.fields.with(keyField(c))
	}
	if !source.schema.unique(by.names()...) {
		source.byPath, _ = source.schema.finding(by.names()...)
	}
}

// byColumns finds the columns that relate rows; nil when one is missing.
func (i *inspection) byColumns(where string, s schema, names []string) keyColumns {
	var by keyColumns
	for _, name := range names {
		if c, ok := s.column(name); ok {
			by = append(by, c)
		} else {
			i.missing(where, "byColumn", name, s)
		}
	}
	if len(names) == 0 {
		i.missing(where, "byColumn", "", s)
	}
	if len(by) < len(names) {
		return nil
	}
	return by
}

// missing names the columns that there are: the mistake is mostly a letter.
func (i *inspection) missing(where, role, name string, s schema) {
	names := make([]string, len(s.columns))
	for n, c := range s.columns {
		names[n] = c.name
	}
	what := fmt.Sprintf("%s %s does not exist", role, quote(name))
	if name == "" {
		what = role + " is not named"
	}
	i.problem(where, what, "the columns are "+strings.Join(names, ", "))
}

func addIndex(d *Database, s schema, columns ...column) string {
	parts := make([]string, len(columns))
	for n, c := range columns {
		parts[n] = c.quoted()
		if most := maxIndexedText / len(columns); c.width > most && (c.kind == kindText || c.kind == kindBytes) {
			parts[n] += fmt.Sprintf("(%d)", most)
		}
	}
	return fmt.Sprintf("ALTER TABLE %s.%s ADD INDEX (%s)", quote(d.name), quote(s.table), strings.Join(parts, ", "))
}

// setCharset gives a column another character set.
func setCharset(d *Database, s schema, c column, charset string) string {
	null := " NOT NULL"
	if c.nullable {
		null = ""
	}
	return fmt.Sprintf("ALTER TABLE %s.%s MODIFY %s %s CHARACTER SET %s%s, with its DEFAULT if it has one", quote(d.name), quote(s.table), c.quoted(), c.fullType, charset, null)
}

// maxIndexedText is a length in characters that an index of every version takes.
const maxIndexedText = 191

// destination inspects one destination. Without a source its own tables and
// columns are looked at all the same.
func (i *inspection) destination(ctx context.Context, source *Source, want job.Destination, d *Database) *Destination {
	where := fmt.Sprintf("destination %s (%s.%s)", want.Name, d.address, want.Table)
	s, ok := i.schema(ctx, d, where, want.Table)
	if !ok {
		return nil
	}
	destination := &Destination{db: d, name: want.Name, schema: s, filter: i.filter(ctx, where, d, s, want.Where)}
	i.relate(where, source, destination, want)
	for _, pair := range want.Columns {
		i.pair(where, source, destination, pair)
	}
	return destination
}

// relate finds the destination's byColumns and their index.
func (i *inspection) relate(where string, source *Source, destination *Destination, want job.Destination) {
	by := i.byColumns(where, destination.schema, want.ByColumns)
	if by == nil {
		return
	}
	destination.by = by
	i.findable(where, destination)
	if source == nil || source.by == nil {
		return // named already
	}
	if len(by) != len(source.by) {
		i.problem(where, fmt.Sprintf("%d byColumns cannot hold the source's %d", len(by), len(source.by)), "name one for each of the source's, in the same order")
		return
	}
	for n, c := range by {
		from := source.by[n]
		by[n] = c.related(from)
		if !relatable(from, c) {
			i.problem(where, fmt.Sprintf("byColumn %s of type %s cannot find rows by %s of type %s", c.quoted(), c.fullType, from.quoted(), from.fullType),
				"use an integer, decimal, text, binary or date column, the same on both sides")
			continue
		}
		pair := diff.Pair{Name: from.name, Source: n, Rule: keyRuleOf(from, c), Exact: exact(c)}
		destination.fields, pair.Destination = destination.fields.with(keyField(c))
		destination.relation.By = append(destination.relation.By, pair)
	}
}

// findable looks for the index that finds a destination's rows.
func (i *inspection) findable(where string, d *Destination) {
	names := d.by.names()
	var ok bool
	if d.index, ok = d.schema.finding(names...); !ok {
		i.lenient(where, fmt.Sprintf("no index begins with the byColumn %s: every look-up would read the whole table", d.by), addIndex(d.db, d.schema, d.by...))
		return
	}
	if n := d.index.covered(names); n < len(names) && !d.index.identifies(names...) {
		i.warn(where, fmt.Sprintf("the index %s begins with %d of the byColumns %s: a look-up reads all rows that share these", quote(d.index.name), n, d.by),
			addIndex(d.db, d.schema, d.by...))
	}
}

// relatable reports whether equal rows can be found by equal values.
func relatable(source, destination column) bool {
	for _, c := range []column{source, destination} {
		switch c.kind {
		case kindFloat, kindDouble, kindJSON, kindSet, kindTime:
			return false
		}
	}
	if source.kind == kindBinary && destination.kind.text() || source.kind.text() && destination.kind == kindBinary {
		return false // the zeros of one are none of the other's
	}
	return (source.kind == kindTimestamp) == (destination.kind == kindTimestamp)
}

// pair adds a pair of compared columns.
func (i *inspection) pair(where string, source *Source, destination *Destination, want job.ColumnPair) {
	if want.Options.Ignore {
		return
	}
	to, haveTo := destination.schema.column(want.Destination)
	if !haveTo {
		i.missing(where, "column", want.Destination, destination.schema)
	}
	if source == nil {
		return
	}
	from, haveFrom := source.schema.column(want.Source)
	if !haveFrom {
		i.missing(fmt.Sprintf("source %s.%s", source.db.address, source.schema.table), "column", want.Source, source.schema)
	}
	if !haveTo || !haveFrom {
		return
	}
	if l, lossy := loss(from, to); lossy {
		if mend, needed := l.advice(want.Options); needed {
			if narrower(from, to) {
				mend += ": " + setCharset(destination.db, destination.schema, to, from.charset)
			}
			i.warn(where, fmt.Sprintf("column %s is %s, the source's %s is %s: %s", to.quoted(), to.fullType, from.quoted(), from.fullType, l.why), mend)
		}
	}
	pair := diff.Pair{Name: from.name, Rule: ruleOf(from, to), Options: i.options(where, from, to, want.Options)}
	if relates := slices.ContainsFunc(destination.by, func(c column) bool { return c.name == to.name }); relates && want.Options != (job.ColumnOptions{}) {
		i.problem(where, fmt.Sprintf("the byColumn %s relates rows: options cannot bend it", to.quoted()), "leave them out, or relate by another column")
	}
	left, right := i.clocked(where, source, from, to, want.Options.Zone)
	// Only in Unicode are upper and lower case known.
	if !pair.Options.IgnoreCase {
		left.raw, right.raw = rawOf(from, to), rawOf(to, from)
	}
	source.fields, pair.Source = source.fields.with(left)
	destination.fields, pair.Destination = destination.fields.with(right)
	destination.relation.Pairs = append(destination.relation.Pairs, pair)
}
