package diff

import (
	"strconv"
	"strings"
)

// Key is what relates a row to the other side: the values of its byColumns in
// one text, so that keys are equal exactly when all their values are. Of one
// column it is the value itself; several stand behind their lengths.
type Key string

// NewKey is the key of these values; false when one of them is NULL: such a row
// relates to nothing.
func NewKey(values ...Value) (Key, bool) {
	var text []byte
	for _, v := range values {
		if v == nil {
			return "", false
		}
		if len(values) == 1 {
			return Key(v), true
		}
		text = appendField(text, v)
	}
	return Key(text), true
}

// Keys are keys of one column.
func Keys(texts []string) []Key {
	keys := make([]Key, len(texts))
	for i, text := range texts {
		keys[i] = Key(text)
	}
	return keys
}

// Values takes the key of so many columns apart; nil when it is none.
func (k Key) Values(columns int) []Value {
	if columns == 1 {
		return []Value{Value(k)}
	}
	values := make([]Value, 0, columns)
	for rest := string(k); rest != ""; {
		length, more, _ := strings.Cut(rest, ":")
		n, err := strconv.Atoi(length)
		if err != nil || n < 0 || n > len(more) {
			return nil
		}
		values = append(values, Value(more[:n]))
		rest = more[n:]
	}
	if len(values) != columns {
		return nil
	}
	return values
}

// appendField writes a value behind its length, N for NULL.
func appendField(text []byte, v Value) []byte {
	if v == nil {
		return append(text, 'N')
	}
	text = strconv.AppendInt(text, int64(len(v)), 10)
	text = append(text, ':')
	return append(text, v...)
}

// SourceKey is the key of a source row; false when it has none.
func (r Relation) SourceKey(row Row) (Key, bool) {
	return r.key(row, func(p Pair) int { return p.Source })
}

// DestinationKey is the key of a destination row; false when it has none.
func (r Relation) DestinationKey(row Row) (Key, bool) {
	return r.key(row, func(p Pair) int { return p.Destination })
}

func (r Relation) key(row Row, column func(Pair) int) (Key, bool) {
	values := make([]Value, len(r.By))
	for i, pair := range r.By {
		values[i] = row.Values[column(pair)]
	}
	return NewKey(values...)
}

// Same is a text that keys share exactly when they relate rows.
func (r Relation) Same(k Key) string {
	return r.text(k, Pair.canonical)
}

// Folded is a text that keys share when the destination's collation may hold them for the same.
func (r Relation) Folded(k Key) string {
	return r.text(k, func(by Pair, v Value) string { return by.Exact.fold(by.canonical(v)) })
}

// text makes one text of what becomes of each of a key's values.
func (r Relation) text(k Key, of func(Pair, Value) string) string {
	values := k.Values(len(r.By))
	switch len(values) {
	case 0:
		return unreadable + string(k)
	case 1:
		return of(r.By[0], values[0])
	}
	var text []byte
	for i, v := range values {
		text = appendField(text, Value(of(r.By[i], v)))
	}
	return string(text)
}
