package mysql

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// keyColumns are the columns of a key, in the order of its values.
type keyColumns []column

func (k keyColumns) names() []string {
	names := make([]string, len(k))
	for i, c := range k {
		names[i] = c.name
	}
	return names
}

// String is for people.
func (k keyColumns) String() string {
	names := make([]string, len(k))
	for i, c := range k {
		names[i] = c.quoted()
	}
	return strings.Join(names, ", ")
}

// null is a condition of each column that may be NULL.
func (k keyColumns) null(is string) []string {
	var conditions []string
	for _, c := range k {
		if c.nullable {
			conditions = append(conditions, c.quoted()+is)
		}
	}
	return conditions
}

// operands are the values of a key; false when the columns cannot hold them.
func (k keyColumns) operands(key diff.Key) ([]expression, bool) {
	values := key.Values(len(k))
	if values == nil {
		return nil, false
	}
	operands := make([]expression, len(k))
	for i, c := range k {
		var ok bool
		if operands[i], ok = c.operand(values[i]); !ok || !c.spans(operands[i]) {
			return nil, false
		}
	}
	return operands, true
}

// equals is the condition of the rows that have the key.
func (k keyColumns) equals(key diff.Key) (expression, bool) {
	operands, ok := k.operands(key)
	if !ok {
		return expression{}, false
	}
	conditions := make([]expression, len(k))
	for i, v := range key.Values(len(k)) {
		conditions[i] = k[i].has(v, operands[i])
	}
	return conjunction(conditions), true
}

// has is the condition that the column has a value, of which operand is the SQL. With
// any zeros behind it, a value lies between itself with none and with all.
func (c column) has(v diff.Value, operand expression) expression {
	if !c.zeros {
		return expression{c.quoted() + " = " + operand.sql, operand.args}
	}
	least := bytes.TrimRight(v, "\x00")
	most := append(bytes.Clone(least), make([]byte, max(c.width, len(v))-len(least))...)
	return expression{c.quoted() + " BETWEEN ? AND ?", []any{least, most}}
}

// in is the condition of the rows that have one of the keys; false when the
// columns can hold none of them. Several columns are written out, those of the
// index in its order: servers read (a, b) IN ((…), (…)) with a full scan.
func (k keyColumns) in(keys []diff.Key, path index) (expression, bool) {
	if slices.ContainsFunc(k, func(c column) bool { return c.zeros }) {
		var alternatives []expression
		for _, key := range keys {
			if one, ok := k.equals(key); ok {
				alternatives = append(alternatives, one)
			}
		}
		return disjunction(alternatives), len(alternatives) > 0
	}
	if len(k) == 1 {
		return k[0].in(keys)
	}
	order := k.along(path)
	last := order[len(order)-1]
	var groups []*tail
	known := map[string]*tail{}
	for _, key := range keys {
		operands, ok := k.operands(key)
		if !ok {
			continue
		}
		var head []expression
		for _, n := range order[:len(order)-1] {
			head = append(head, expression{k[n].quoted() + " = " + operands[n].sql, operands[n].args})
		}
		text := conjunction(head).literal()
		g := known[text]
		if g == nil {
			g = &tail{head: head}
			known[text] = g
			groups = append(groups, g)
		}
		g.list = append(g.list, operands[last].sql)
		g.args = append(g.args, operands[last].args...)
	}
	alternatives := make([]expression, len(groups))
	for i, g := range groups {
		alternatives[i] = conjunction(append(g.head, expression{k[last].oneOf(g.list), g.args}))
	}
	return disjunction(alternatives), len(groups) > 0
}

// in is the condition of the rows that have one of the keys, without arguments:
// there are many of them.
func (c column) in(keys []diff.Key) (expression, bool) {
	list := make([]string, 0, len(keys))
	for _, key := range keys {
		if operand, ok := c.operand(diff.Value(key)); ok && c.spans(operand) {
			list = append(list, operand.literal())
		}
	}
	if len(list) == 0 {
		return expression{}, false
	}
	return expression{sql: c.oneOf(list)}, true
}

// oneOf is the condition that the column has one of some values. Whole numbers that
// follow each other are asked for as a range: rows are often lost in a row, and servers
// find each number of a list by itself.
func (c column) oneOf(list []string) string {
	if c.kind == kindInteger {
		if all, ok := inOrder(list, c.unsigned()); ok {
			return c.inRuns(all)
		}
	}
	return c.inList(list)
}

func (c column) inList(list []string) string {
	return c.quoted() + " IN (" + strings.Join(list, ", ") + ")"
}

// shortestRun is how many numbers a range is worth.
const shortestRun = 4

// whole is a whole number: its place in the order of all, and as it is written.
type whole struct {
	at   uint64
	text string
}

// firstHigh is the number from which on unsigned ones are no signed ones.
const firstHigh = 1 << 63

// inOrder are numbers in their order, each once; not ok where a text is none.
func inOrder(list []string, unsigned bool) (all []whole, ok bool) {
	all = make([]whole, len(list))
	for i, text := range list {
		var err error
		if all[i].text = text; unsigned {
			all[i].at, err = strconv.ParseUint(text, 10, 64)
		} else {
			var n int64
			n, err = strconv.ParseInt(text, 10, 64)
			all[i].at = uint64(n) ^ firstHigh //nolint:gosec // negative ones go before the others
		}
		if err != nil {
			return nil, false
		}
	}
	slices.SortFunc(all, func(a, b whole) int { return cmp.Compare(a.at, b.at) })
	return slices.CompactFunc(all, func(a, b whole) bool { return a.at == b.at }), true
}

// inRuns asks for numbers that follow each other by ranges, and for the others by
// lists. Unsigned ones from 2^63 on have a list of their own: one that holds both
// kinds is read with a full scan by MariaDB, which takes it for DECIMALs.
func (c column) inRuns(all []whole) string {
	var conditions []string
	var alone [2][]string
	for first := 0; first < len(all); {
		high := c.unsigned() && all[first].at >= firstHigh
		end := first + 1
		for end < len(all) && all[end].at == all[end-1].at+1 && (all[end].at != firstHigh || !c.unsigned()) {
			end++
		}
		if end-first >= shortestRun {
			conditions = append(conditions, c.quoted()+" BETWEEN "+all[first].text+" AND "+all[end-1].text)
		} else {
			side := &alone[0]
			if high {
				side = &alone[1]
			}
			for _, n := range all[first:end] {
				*side = append(*side, n.text)
			}
		}
		first = end
	}
	for _, list := range alone {
		if len(list) > 0 {
			conditions = append(conditions, c.inList(list))
		}
	}
	if len(conditions) == 1 {
		return conditions[0]
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

// tail is what follows the same values of all columns but the last.
type tail struct {
	head []expression
	list []string
	args []any
}

// along is the places of the columns in the order of an index; those that it
// lacks come last.
func (k keyColumns) along(path index) []int {
	rank := func(n int) int {
		at := slices.IndexFunc(path.columns, func(p indexPart) bool { return strings.EqualFold(p.column, k[n].name) })
		if at < 0 {
			return len(path.columns)
		}
		return at
	}
	places := make([]int, len(k))
	for n := range k {
		places[n] = n
	}
	slices.SortStableFunc(places, func(a, b int) int { return rank(a) - rank(b) })
	return places
}

// disjunction is one of the conditions.
func disjunction(conditions []expression) expression {
	if len(conditions) == 1 {
		return conditions[0]
	}
	var parts []string
	var args []any
	for _, c := range conditions {
		parts = append(parts, "("+c.sql+")")
		args = append(args, c.args...)
	}
	return expression{strings.Join(parts, " OR "), args}
}
