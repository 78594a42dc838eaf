package diff

import (
	"slices"
	"strings"
)

// Pair is a source column and the destination column that should equal it.
type Pair struct {
	Name                string // of the source column
	Source, Destination int    // indexes into Row.Values
	Rule                Rule
	Options             Options
	// Exact is what the destination's server does not overlook when it finds a key:
	// of a byColumn, in both directions, since that server says what is another key.
	Exact Exact
}

// Exact is what a column's collation tells apart; the zero value, nothing of it.
type Exact struct{ Case, Spaces bool } // letter case, and trailing spaces

// fold leaves out of a text what the collation does not tell apart.
func (e Exact) fold(text string) string {
	if !e.Spaces {
		text = strings.TrimRight(text, " ")
	}
	if !e.Case {
		text = foldCase(text)
	}
	return text
}

// Relation says how the rows of a source and of one destination belong
// together and when they are equal.
type Relation struct {
	By    []Pair // the byColumns: rows belong together when all of these are equal
	Pairs []Pair // are compared
}

// ByNames names the source's byColumns for people.
func (r Relation) ByNames() string {
	names := make([]string, len(r.By))
	for i, pair := range r.By {
		names[i] = pair.Name
	}
	return strings.Join(names, ", ")
}

// Reversed is the relation as the destination's rows see it. Columns keep the
// names that they have at the source.
func (r Relation) Reversed() Relation {
	turned := func(pairs []Pair) []Pair {
		all := make([]Pair, len(pairs))
		for i, p := range pairs {
			p.Source, p.Destination = p.Destination, p.Source
			all[i] = p
		}
		return all
	}
	return Relation{By: turned(r.By), Pairs: turned(r.Pairs)}
}

// Overlooks reports whether options hold some values for equal that are not.
func (r Relation) Overlooks() bool {
	return slices.ContainsFunc(slices.Concat(r.By, r.Pairs), func(p Pair) bool { return !p.Options.None() })
}

// Strict is the relation with nothing overlooked.
func (r Relation) Strict() Relation {
	strict := Relation{By: slices.Clone(r.By), Pairs: slices.Clone(r.Pairs)}
	for _, pairs := range [][]Pair{strict.By, strict.Pairs} {
		for i := range pairs {
			pairs[i].Options = Options{}
		}
	}
	return strict
}

// Verdict is what was found for one source row.
type Verdict uint8

// The verdicts.
const (
	Equal     Verdict = iota
	Missing           // the destination has no row for it
	Different         // the destination has one row with other values
	Respelled         // the destination has one row, whose key is another spelling that a collation holds for the same
	Several           // several rows of one side share the key: which belongs to which cannot be said
)

// Outcome is the verdict on one source row.
type Outcome struct {
	Verdict Verdict
	Columns []string // names of the source columns that differ
}

// Compare gives one outcome per source row. The destination rows are all those
// that the destination's server found for the source rows' keys.
func (r Relation) Compare(source, destination []Row) []Outcome {
	outcomes := make([]Outcome, len(source))
	m := matching{relation: r, source: source, destination: destination, outcomes: outcomes}
	restSource, restDestination := m.exact()
	if len(restDestination) == 0 { // as mostly
		m.missing(restSource)
	} else {
		m.folded(restSource, restDestination)
	}
	return outcomes
}

// matching is one Compare in progress; it holds rows by their index.
type matching struct {
	relation            Relation
	source, destination []Row
	outcomes            []Outcome
}

// group holds the rows that share a key.
type group struct{ source, destination []int }

// exact matches rows by equal keys and returns what is left over.
func (m matching) exact() (restSource, restDestination []int) {
	for _, g := range m.groups(all(m.source), all(m.destination), m.relation.Same) {
		switch {
		case len(g.source) == 0:
			restDestination = append(restDestination, g.destination...)
		case len(g.source) > 1 || len(g.destination) > 1:
			m.several(g)
		case len(g.destination) == 0:
			restSource = append(restSource, g.source...)
		default:
			m.compare(g.source[0], g.destination[0])
		}
	}
	return restSource, restDestination
}

// folded matches what is left over as the destination's server does, whose
// collation may ignore case and trailing spaces: such a row is there, but under
// another key.
func (m matching) folded(restSource, restDestination []int) {
	for _, g := range m.groups(restSource, restDestination, m.relation.Folded) {
		switch {
		case len(g.source) == 0:
		case len(g.destination) == 0:
			m.missing(g.source)
		case len(g.source) > 1 || len(g.destination) > 1:
			m.several(g)
		default:
			m.rekeyed(g.source[0], g.destination[0])
		}
	}
}

// groups collects rows by a text of their keys. A row without a key relates to
// nothing: at the source it is missing, at the destination it is nobody's.
func (m matching) groups(source, destination []int, text func(Key) string) map[string]*group {
	groups := make(map[string]*group, len(source))
	find := func(k Key) *group {
		t := text(k)
		g := groups[t]
		if g == nil {
			g = &group{}
			groups[t] = g
		}
		return g
	}
	for _, i := range source {
		key, ok := m.relation.SourceKey(m.source[i])
		if !ok {
			m.outcomes[i] = Outcome{Verdict: Missing}
			continue
		}
		g := find(key)
		g.source = append(g.source, i)
	}
	for _, i := range destination {
		if key, ok := m.relation.DestinationKey(m.destination[i]); ok {
			g := find(key)
			g.destination = append(g.destination, i)
		}
	}
	return groups
}

func (m matching) missing(source []int) {
	for _, i := range source {
		m.outcomes[i] = Outcome{Verdict: Missing}
	}
}

func (m matching) several(g *group) {
	for _, i := range g.source {
		m.outcomes[i] = Outcome{Verdict: Several}
	}
}

func (m matching) compare(source, destination int) {
	if columns := m.differing(source, destination); len(columns) > 0 {
		m.outcomes[source] = Outcome{Verdict: Different, Columns: columns}
	}
}

// rekeyed is a match whose keys are not equal: it names the byColumns that are
// not, then the other columns.
func (m matching) rekeyed(source, destination int) {
	columns := m.unequal(m.relation.By, source, destination)
	for _, name := range m.differing(source, destination) {
		if !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
	}
	m.outcomes[source] = Outcome{Verdict: Respelled, Columns: columns}
}

// differing names the compared columns that are not equal.
func (m matching) differing(source, destination int) []string {
	return m.unequal(m.relation.Pairs, source, destination)
}

func (m matching) unequal(pairs []Pair, source, destination int) []string {
	var columns []string
	for _, pair := range pairs {
		a := m.source[source].Values[pair.Source]
		b := m.destination[destination].Values[pair.Destination]
		if !pair.Equal(a, b) {
			columns = append(columns, pair.Name)
		}
	}
	return columns
}

// all is every index of rows.
func all(rows []Row) []int {
	indexes := make([]int, len(rows))
	for i := range rows {
		indexes[i] = i
	}
	return indexes
}
