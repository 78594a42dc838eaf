package mysql

import (
	"fmt"

	"github.com/masixun71/cupid-go/pkg/job"
)

// updates checks the update column and the order of its scan.
func (i *inspection) updates(where string, source *Source) {
	want := i.job.Update
	if !want.Enabled {
		return
	}
	s := source.schema
	c, ok := s.column(want.Column)
	if !ok {
		i.missing(where, "update column", want.Column, s)
		return
	}
	format, ok := i.updateFormat(where, c, want.Format)
	if !ok {
		return
	}
	source.update = &updateColumn{column: c, format: format}
	source.byTime = order{update: source.update}
	source.byTime.keys, source.byTime.unique = tieBreakers(source)
	if path, ok := s.ordering(c.name, source.byTime.keys); ok {
		source.byTime.index = path.name
	} else {
		i.lenient(where, fmt.Sprintf("no index begins with the update column %s: every scan would read the whole table", c.quoted()),
			addIndex(source.db, s, c))
	}
	if want.Zone == "" {
		return
	}
	zone, ok := parseZone(want.Zone)
	if !ok {
		i.problem(where, fmt.Sprintf("the zone %q of the update column is not known", want.Zone), "write an offset such as +08:00 or a name such as Asia/Shanghai")
		return
	}
	if source.update.instant() {
		i.warn(where, fmt.Sprintf("the update column %s holds instants: the job's zone %s is not used", c.quoted(), want.Zone), "")
		return
	}
	source.wall = zone
}

// updateFormat checks that type and format of the update column go together.
func (i *inspection) updateFormat(where string, c column, format job.TimeFormat) (job.TimeFormat, bool) {
	refuse := func(why string) (job.TimeFormat, bool) {
		i.problem(where, fmt.Sprintf("the update column %s is of type %s: %s", c.quoted(), c.fullType, why),
			"use a DATETIME or TIMESTAMP column, an integer with the format unix or unixMilli, or a text with a format such as Y-m-d H:i:s")
		return job.TimeFormat{}, false
	}
	switch {
	case c.kind == kindDateTime || c.kind == kindTimestamp:
		if format.Number() {
			return refuse(fmt.Sprintf("the format %s is for integers", format))
		}
		return job.TimeFormat{}, true // the server knows better than a format how it writes a time
	case c.kind == kindInteger && c.dataType != "year":
		if !format.Number() {
			return refuse("an integer needs the format unix or unixMilli")
		}
		return format, true
	case c.dataType == "char" || c.dataType == "varchar":
		if format.Native() || format.Number() {
			return refuse("a text needs a format such as Y-m-d H:i:s")
		}
		return format, true
	default:
		return refuse("it does not tell times to the second")
	}
}

// tieBreakers order rows of one update time: the primary key, or the scan key
// where the primary key's types have no order that can be continued.
func tieBreakers(source *Source) (keys []column, unique bool) {
	primaryKey := source.schema.primaryKey()
	for _, c := range primaryKey {
		if !continuable(c) {
			primaryKey = nil
			break
		}
	}
	if len(primaryKey) > 0 {
		return primaryKey, true
	}
	if source.key.name == "" {
		return nil, false // named already as a problem
	}
	return []column{source.key}, source.byKey.unique && !source.key.nullable
}

// continuable reports whether a value that was read can be compared with again:
// not so labels, which sort by number, and fractions, which lose digits.
func continuable(c column) bool {
	switch c.kind {
	case kindInteger, kindDecimal, kindChar, kindText, kindBinary, kindBytes, kindDate, kindDateTime, kindTimestamp:
		return true
	}
	return false
}
