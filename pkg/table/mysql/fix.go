package mysql

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// FixPreamble sets what the statements of a fix rely on: the text is utf8mb4
// with backslash escapes, instants are in UTC, zero dates and an id of 0 are
// values like others, and a value that does not fit is an error instead of
// being cut.
const FixPreamble = `SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO';
`

// InsertSQL is the statement that adds a source row, as Lookup read it, to the
// destination, as far as its columns are mapped; false when the server writes
// all of these itself, or a column cannot hold its value.
func (p *Pairing) InsertSQL(source diff.Row) (string, bool) {
	var names, values []string
	for _, m := range p.mapped() {
		value, ok := m.literal(source)
		if !ok {
			return "", false
		}
		names, values = append(names, m.to.column.quoted()), append(values, value)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s);", p.target(), strings.Join(names, ", "), strings.Join(values, ", ")), len(names) > 0
}

// UpdateSQL is the statement that gives some columns, by their names at the
// source, of a destination's row, as Lookup read it, the values of a source row;
// false when nothing tells the row, the server writes all of these itself, or a
// column cannot hold its value. Columns that each update gives the time of the day
// are set as well.
func (p *Pairing) UpdateSQL(target diff.Row, columns []string, source diff.Row) (string, bool) {
	where, ok := p.only(target)
	var set []string
	for _, m := range p.mapped() {
		if !slices.Contains(columns, m.from.column.name) && !m.to.column.touched {
			continue
		}
		value, holds := m.literal(source)
		if !holds {
			return "", false
		}
		set = append(set, m.to.column.quoted()+" = "+value)
	}
	return fmt.Sprintf("UPDATE %s SET %s WHERE %s;", p.target(), strings.Join(set, ", "), where), ok && len(set) > 0
}

// DeleteSQL is the statement that removes a destination's row, as Lookup read it;
// false when nothing tells the row.
func (p *Pairing) DeleteSQL(target diff.Row) (string, bool) {
	where, ok := p.only(target)
	return fmt.Sprintf("DELETE FROM %s WHERE %s;", p.target(), where), ok
}

func (p *Pairing) target() string {
	return quote(p.destination.db.name) + "." + quote(p.destination.schema.table)
}

// only is the condition of the rows with the key of a destination's row. The
// index finds what the collation holds for the same; the bytes tell which it is.
func (p *Pairing) only(target diff.Row) (string, bool) {
	key, keyed := p.destination.KeyOf(target)
	found, ok := p.destination.by.equals(key)
	where := []string{found.literal()}
	for _, pair := range p.relation.By {
		if f := p.destination.fields[pair.Destination]; f.column.charset != "" && (f.column.kind == kindText || f.column.kind == kindChar) {
			where = append(where, f.column.asBytes()+" = "+f.bytesOf(target.Values[pair.Destination]))
		}
	}
	return strings.Join(where, " AND "), keyed && ok
}

// bytesOf are those with which a text column holds a value that was read of it.
func (f field) bytesOf(v diff.Value) string {
	if f.raw {
		return fmt.Sprintf("X'%X'", v)
	}
	return "CAST(CONVERT('" + escapes.Replace(string(v)) + "' USING " + quoteWord(f.column.charset) + ") AS BINARY)"
}

// mapping is a column that a fix writes.
type mapping struct {
	from field
	at   int // of the value in a source row
	to   field
}

// mapped are the columns that a fix writes: the relating ones first, each once.
// A server refuses values for those that it generates.
func (p *Pairing) mapped() []mapping {
	var all []mapping
	for _, pair := range slices.Concat(p.relation.By, p.relation.Pairs) {
		m := mapping{p.source.fields[pair.Source], pair.Source, p.destination.fields[pair.Destination]}
		if !m.to.column.generated && !slices.ContainsFunc(all, func(known mapping) bool { return known.to.column.name == m.to.column.name }) {
			all = append(all, m)
		}
	}
	return all
}

// fitted leaves out zeros of a BINARY that a narrower column has no room for.
func (m mapping) fitted(v diff.Value) diff.Value {
	for m.from.column.kind == kindBinary && m.to.column.kind.bytes() && len(v) > m.to.column.width && bytes.HasSuffix(v, []byte{0}) {
		v = v[:len(v)-1]
	}
	return v
}

// plainNumber is a number that needs no quotes.
var plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// literal writes the value of a source row; false when the column cannot hold it.
func (m mapping) literal(source diff.Row) (string, bool) {
	v := source.Values[m.at]
	if m.to.wall != nil { // back to the clock of the column
		v = reclock(v, m.to.wall.Load(), m.to.clock())
	}
	switch {
	case v == nil:
		return "NULL", true
	case m.from.column.kind.number() && plainNumber.Match(v) && !m.to.column.kind.text():
		return string(v), true
	case !m.from.column.kind.bytes() && !m.from.raw:
		return "'" + escapes.Replace(string(v)) + "'", true
	case m.to.column.charset == "" || m.to.raw && m.to.column.charset == m.from.column.charset || m.to.column.charset == ascii:
		return fmt.Sprintf("X'%X'", m.fitted(v)), true
	default: // bytes that are to be a text of another character set, which holds it with other bytes
		return "'" + escapes.Replace(string(v)) + "'", utf8.Valid(v)
	}
}
