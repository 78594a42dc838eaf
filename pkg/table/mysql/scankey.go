package mysql

import (
	"fmt"
	"slices"
)

// scanKey chooses the column that orders the insert scan: the job's, or id, or
// the primary key.
func (i *inspection) scanKey(where string, source *Source) {
	s := source.schema
	key, ok := i.chooseKey(where, source.db, s)
	if !ok {
		return
	}
	source.key = key
	source.byKey = order{keys: []column{key}, unique: s.unique(key.name)}
	if path, ok := s.ordering(key.name, nil); ok {
		source.byKey.index = path.name
	} else {
		i.lenient(where, fmt.Sprintf("no index begins with the scan key %s: every scan would read the whole table", key.quoted()),
			addIndex(source.db, s, key))
	}
	if i.job.Once {
		return
	}
	if !source.byKey.unique {
		i.warn(where, fmt.Sprintf("the scan key %s is not unique: rows that share a value stay together", key.quoted()), "")
	}
	if key.nullable {
		i.warn(where, fmt.Sprintf("the scan key %s may be NULL: such rows are never seen", key.quoted()), "")
	}
	if key.kind != kindInteger {
		i.warn(where, fmt.Sprintf("the scan key %s is of type %s: new rows are seen only when their keys sort behind all others, as ULIDs and zero-padded numbers do", key.quoted(), key.fullType), "")
	}
}

func (i *inspection) chooseKey(where string, d *Database, s schema) (column, bool) {
	if name := i.job.Source.ScanKey; name != "" {
		key, ok := s.column(name)
		if !ok {
			i.missing(where, "scan key", name, s)
		} else if !scannable(key) {
			i.problem(where, fmt.Sprintf("the scan key %s is of type %s", key.quoted(), key.fullType), scannableTypes)
		}
		return key, ok && scannable(key)
	}
	id, haveID := s.column("id")
	haveID = haveID && scannable(id)
	if haveID {
		if _, indexed := s.ordering(id.name, nil); indexed {
			return id, true
		}
	}
	primaryKey := s.primaryKey()
	if len(primaryKey) == 1 && scannable(primaryKey[0]) {
		return primaryKey[0], true
	}
	if haveID && i.job.Lenient {
		return id, true
	}
	if i.job.Once && len(primaryKey) > 0 && scannable(primaryKey[0]) {
		return primaryKey[0], true
	}
	i.problem(where, noKey(id, haveID, primaryKey), mendKey(d, s, id, haveID))
	return column{}, false
}

const scannableTypes = "a scan key must be an integer, or CHAR, VARCHAR, BINARY or VARBINARY that grows; name one with scanKey"

func noKey(id column, haveID bool, primaryKey []column) string {
	switch {
	case haveID:
		return fmt.Sprintf("the table has no usable scan key: no index begins with %s", id.quoted())
	case len(primaryKey) > 1:
		return "the table has no usable scan key: there is no column id, and the primary key has several columns"
	case len(primaryKey) == 1:
		return fmt.Sprintf("the table has no usable scan key: the primary key %s is of type %s", primaryKey[0].quoted(), primaryKey[0].fullType)
	default:
		return "the table has no usable scan key: there is neither a column id nor a primary key"
	}
}

func mendKey(d *Database, s schema, id column, haveID bool) string {
	if haveID {
		return addIndex(d, s, id)
	}
	return scannableTypes
}

// scannable reports whether the type has an order in which new rows can come
// last.
func scannable(c column) bool {
	return c.kind == kindInteger && c.dataType != "year" ||
		slices.Contains([]string{"char", "varchar", "binary", "varbinary"}, c.dataType)
}
