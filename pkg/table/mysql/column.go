package mysql

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is what a column's type means for reading and comparing it.
type kind uint8

const (
	kindText      kind = iota // also types that only one server knows and shows as text
	kindChar                  // text that loses its trailing spaces
	kindInteger               // also YEAR
	kindDecimal               // exact
	kindFloat                 // 32 bits
	kindDouble                // 64 bits
	kindBit                   // shown as raw bytes by the server
	kindEnum                  // one label
	kindSet                   // labels
	kindBinary                // bytes that gain trailing zeros
	kindBytes                 // bytes
	kindJSON                  // also MariaDB's text with a json_valid check
	kindDate                  // wall clock, days
	kindTime                  // a span or time of day
	kindDateTime              // wall clock
	kindTimestamp             // an instant
)

// kinds maps DATA_TYPE of information_schema.
var kinds = map[string]kind{
	"tinyint": kindInteger, "smallint": kindInteger, "mediumint": kindInteger, "int": kindInteger, "bigint": kindInteger, "year": kindInteger,
	"decimal": kindDecimal, "float": kindFloat, "double": kindDouble, "bit": kindBit,
	"char": kindChar, "varchar": kindText, "tinytext": kindText, "text": kindText, "mediumtext": kindText, "longtext": kindText,
	"enum": kindEnum, "set": kindSet, "json": kindJSON,
	"binary": kindBinary, "varbinary": kindBytes, "tinyblob": kindBytes, "blob": kindBytes, "mediumblob": kindBytes, "longblob": kindBytes,
	"geometry": kindBytes, "point": kindBytes, "linestring": kindBytes, "polygon": kindBytes, "multipoint": kindBytes,
	"multilinestring": kindBytes, "multipolygon": kindBytes, "geometrycollection": kindBytes, "geomcollection": kindBytes, "vector": kindBytes,
	"date": kindDate, "time": kindTime, "datetime": kindDateTime, "timestamp": kindTimestamp,
}

// number reports whether the kind compares by numeric value.
func (k kind) number() bool { return k >= kindInteger && k <= kindBit }

func (k kind) temporal() bool { return k >= kindDate }

func (k kind) text() bool { return k == kindText || k == kindChar || k == kindEnum }

func (k kind) bytes() bool { return k == kindBinary || k == kindBytes }

// column is one row of information_schema.COLUMNS.
type column struct {
	name      string
	dataType  string // "int"
	fullType  string // "int(10) unsigned zerofill"
	kind      kind
	nullable  bool
	invisible bool
	generated bool   // the server alone writes it
	touched   bool   // each update of a row gives it the time, unless it says another
	charset   string // "" for what is no text
	collation string
	precision int // digits of a fraction of a second
	width     int // characters or bytes
	octets    int // the bytes of the longest text; 0 for what is no text
	digits    int // of a number
	scale     int // those behind the point

	// Of a column that relates to another:
	zeros  bool // that is a BINARY, which fills values up with zeros
	strays bool // of ASCII: it may be asked for bytes beyond that
}

func (c column) quoted() string { return quote(c.name) }

// related is the column as it relates to another.
func (c column) related(other column) column {
	c.zeros = c.kind == kindBytes && other.kind == kindBinary
	c.strays = other.charset == ascii || other.kind.bytes()
	return c
}

// asBytes reads a text as its bytes.
func (c column) asBytes() string { return "CAST(" + c.quoted() + " AS BINARY)" }

func (c column) unsigned() bool { return strings.Contains(c.fullType, "unsigned") }

func (c column) zerofill() bool { return strings.Contains(c.fullType, "zerofill") }

// unit is the smallest step of a DATETIME or TIMESTAMP column.
func (c column) unit() time.Duration {
	unit := time.Second
	for range c.precision {
		unit /= 10
	}
	return unit
}

// index is one index of a table, with its columns in their order.
type index struct {
	name    string
	unique  bool
	columns []indexPart
}

// indexPart is a column of an index; whole is false where only the beginning of
// its text is indexed.
type indexPart struct {
	column string
	whole  bool
}

// leads reports whether the index begins with the column.
func (i index) leads(name string) bool {
	return len(i.columns) > 0 && strings.EqualFold(i.columns[0].column, name)
}

// sorts reports whether the index also gives the order of the column.
func (i index) sorts(name string) bool { return i.leads(name) && i.columns[0].whole }

// identifies reports whether no two rows share values of the columns.
func (i index) identifies(names ...string) bool {
	return i.unique && i.covered(names) == len(i.columns) && i.whole(len(i.columns))
}

// covered is how many of the index's first columns are among the names.
func (i index) covered(names []string) int {
	for n, part := range i.columns {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, part.column) }) {
			return n
		}
	}
	return len(i.columns)
}

// whole reports whether none of the first n columns is indexed by its beginning only.
func (i index) whole(n int) bool {
	return !slices.ContainsFunc(i.columns[:n], func(p indexPart) bool { return !p.whole })
}

const primary = "PRIMARY"

// schema is what information_schema says of one table.
type schema struct {
	table    string
	columns  []column
	indexes  []index
	unhashed string // why its server gives no hashes of rows; "" where it does
	packs    bool   // its server writes the marks of rows into one text
	// sequential tables give a range of their primary key in the order of the key.
	sequential bool
}

// column finds a column by its name in any letter case.
func (s schema) column(name string) (column, bool) {
	for _, c := range s.columns {
		if strings.EqualFold(c.name, name) {
			return c, true
		}
	}
	return column{}, false
}

// primaryKey is the columns of the primary key in the key's own order, which
// need not be the table's.
func (s schema) primaryKey() []column {
	for _, i := range s.indexes {
		if i.name != primary {
			continue
		}
		var key []column
		for _, part := range i.columns {
			if c, ok := s.column(part.column); ok {
				key = append(key, c)
			}
		}
		return key
	}
	return nil
}

// identity tells one row from another: the primary key, in SQL.
func (s schema) identity() []string {
	var columns []string
	for _, c := range s.primaryKey() {
		columns = append(columns, c.quoted())
	}
	return columns
}

// ordering is the best index to read the table in the order of a column and,
// behind it, of the tie-breakers: one whose other columns do not stand between.
func (s schema) ordering(name string, tie []column) (index, bool) {
	var found index
	best := -1
	for _, i := range s.indexes {
		if !i.sorts(name) {
			continue
		}
		rank := 0
		if i.continues(tie) {
			rank = 1
		}
		if i.identifies(name) {
			rank = 2
		}
		if rank > best {
			found, best = i, rank
		}
	}
	return found, best >= 0
}

// continues reports whether the columns behind the first are the first of tie.
func (i index) continues(tie []column) bool {
	rest := i.columns[1:]
	if len(rest) > len(tie) {
		return false
	}
	for n, part := range rest {
		if !part.whole || !strings.EqualFold(part.column, tie[n].name) {
			return false
		}
	}
	return true
}

// finding is the best index to find rows by the columns' values: one that leads
// to a single row, else one that begins with as many of them as possible.
func (s schema) finding(names ...string) (index, bool) {
	var found index
	best := 0
	for _, i := range s.indexes {
		n := i.covered(names)
		if n == 0 {
			continue
		}
		const most = 1 << 10 // an index has fewer columns
		rank := 4 * n
		if i.identifies(names...) {
			rank += 4 * most
		}
		if i.whole(n) {
			rank += 2
		}
		if n == len(i.columns) {
			rank++
		}
		if rank > best {
			found, best = i, rank
		}
	}
	return found, best > 0
}

// unique reports whether an index says that no two rows share the values.
func (s schema) unique(names ...string) bool {
	return slices.ContainsFunc(s.indexes, func(i index) bool { return i.identifies(names...) })
}

// quote writes an identifier. Always with backticks: PRIMARY is a keyword to
// some servers, and a name may be anything.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// atoi reads a number of information_schema; NULL is 0.
func atoi(text []byte) int {
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return 0
	}
	return n
}
