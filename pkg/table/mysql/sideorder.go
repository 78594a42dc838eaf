package mysql

import (
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// keyOrder is the order of one unique column.
func keyOrder(s schema, f field) order {
	path, _ := s.ordering(f.column.name, nil)
	return order{keys: []column{f.column}, index: path.name, unique: true}
}

// ownOrder is an order in which a table can be read whole and in parts: its
// primary key, else a unique index, else any index. The zero order is that of a
// table that can only be read at once.
func ownOrder(s schema) order {
	var found order
	for _, i := range s.indexes {
		keys := s.orderable(i)
		switch {
		case len(keys) == len(i.columns) && i.unique && (i.name == primary || !found.unique):
			found = order{keys: keys, index: i.name, unique: true}
		case len(keys) > 0 && len(found.keys) == 0:
			found = order{keys: keys[:1], index: i.name}
		}
	}
	return found
}

// orderable are the leading columns of an index whose values say where to go on
// reading, and which every row has.
func (s schema) orderable(i index) []column {
	var keys []column
	for _, part := range i.columns {
		c, ok := s.column(part.column)
		if !ok || !part.whole || c.nullable || !continuable(c) {
			break
		}
		keys = append(keys, c)
	}
	return keys
}

// String is the order for people.
func (o order) String() string {
	if len(o.keys) == 0 {
		return "nothing (no index gives an order: it is read at once)"
	}
	return strings.Join(o.columns(), ", ")
}

// exact is what a look-up in the column tells apart.
func exact(c column) diff.Exact {
	if c.kind.bytes() {
		return diff.Exact{Case: true, Spaces: true}
	}
	name := strings.ToLower(c.collation)
	return diff.Exact{Case: strings.HasSuffix(name, "_bin") || strings.HasSuffix(name, "_cs"), Spaces: c.kind.text() && !padsSpaces(c)}
}

// padsSpaces reports whether the collation ignores trailing spaces.
func padsSpaces(c column) bool {
	name := strings.ToLower(c.collation)
	return name != "" && name != "binary" && !strings.Contains(name, "nopad") && !strings.Contains(name, "_0900_")
}
