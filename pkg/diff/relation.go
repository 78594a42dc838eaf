package diff

import (
	"strings"
	"unicode"
)

// Pair is a source column and the destination column that should equal it.
type Pair struct {
	Name                string // of the source column
	Source, Destination int    // indexes into Row.Values
	Rule                Rule
}

// Relation says how the rows of a source and of one destination belong
// together and when they are equal.
type Relation struct {
	ByName                  string // of the source's byColumn
	BySource, ByDestination int    // indexes of the byColumn in Row.Values
	ByRule                  Rule
	Pairs                   []Pair
}

// Key is a text that byColumn values share exactly when they relate rows.
func (r Relation) Key(v Value) string { return r.ByRule.canonical(v) }

// Verdict is what was found for one source row.
type Verdict uint8

// The verdicts.
const (
	Equal     Verdict = iota
	Missing           // the destination has no row for it
	Different         // the destination has one row with other values
	Several           // several rows of one side share the byColumn: which belongs to which cannot be said
)

// Outcome is the verdict on one source row.
type Outcome struct {
	Verdict Verdict
	Columns []string // names of the source columns that differ
}

// Compare gives one outcome per source row. The destination rows are all those
// that the destination's server found for the source rows' byColumn values.
func (r Relation) Compare(source, destination []Row) []Outcome {
	outcomes := make([]Outcome, len(source))
	m := matching{relation: r, source: source, destination: destination, outcomes: outcomes}
	restSource, restDestination := m.exact()
	m.folded(restSource, restDestination)
	return outcomes
}

// matching is one Compare in progress; it holds rows by their index.
type matching struct {
	relation            Relation
	source, destination []Row
	outcomes            []Outcome
}

// group holds the rows that share a byColumn value.
type group struct{ source, destination []int }

// exact matches rows by equal byColumn values and returns what is left over.
func (m matching) exact() (restSource, restDestination []int) {
	canonical := m.relation.ByRule.canonical
	for _, g := range m.groups(all(m.source), all(m.destination), canonical) {
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

// folded matches what is left over as a server does whose collation ignores
// case and trailing spaces: such a row is there, but under another key.
func (m matching) folded(restSource, restDestination []int) {
	for _, g := range m.groups(restSource, restDestination, fold) {
		switch {
		case len(g.source) == 0:
		case len(g.destination) == 0:
			m.missing(g)
		case len(g.source) > 1 || len(g.destination) > 1:
			m.several(g)
		default:
			m.rekeyed(g.source[0], g.destination[0])
		}
	}
}

// groups collects rows by the text of their byColumn. A NULL relates to
// nothing: such a source row is missing, such a destination row is nobody's.
func (m matching) groups(source, destination []int, text func(Value) string) map[string]*group {
	groups := make(map[string]*group, len(source))
	find := func(v Value) *group {
		k := text(v)
		g := groups[k]
		if g == nil {
			g = &group{}
			groups[k] = g
		}
		return g
	}
	for _, i := range source {
		v := m.source[i].Values[m.relation.BySource]
		if v == nil {
			m.outcomes[i] = Outcome{Verdict: Missing}
			continue
		}
		g := find(v)
		g.source = append(g.source, i)
	}
	for _, i := range destination {
		v := m.destination[i].Values[m.relation.ByDestination]
		if v == nil {
			continue
		}
		g := find(v)
		g.destination = append(g.destination, i)
	}
	return groups
}

func (m matching) missing(g *group) {
	for _, i := range g.source {
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

// rekeyed is a match whose byColumn is not equal.
func (m matching) rekeyed(source, destination int) {
	columns := []string{m.relation.ByName}
	for _, name := range m.differing(source, destination) {
		if name != m.relation.ByName {
			columns = append(columns, name)
		}
	}
	m.outcomes[source] = Outcome{Verdict: Different, Columns: columns}
}

// differing names the columns that are not equal.
func (m matching) differing(source, destination int) []string {
	var columns []string
	for _, pair := range m.relation.Pairs {
		a := m.source[source].Values[pair.Source]
		b := m.destination[destination].Values[pair.Destination]
		if !pair.Rule.Equal(a, b) {
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

// fold ignores case and trailing spaces. Upper case first: some lower-case
// letters, such as ſ, share their upper case with another one.
func fold(v Value) string {
	return strings.Map(func(r rune) rune {
		return unicode.ToLower(unicode.ToUpper(r))
	}, strings.TrimRight(string(v), " "))
}
