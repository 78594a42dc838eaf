package mysql

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// describe reads a table's columns and indexes. A table that does not exist, or
// that the account may not see, has no columns.
func (d *Database) describe(ctx context.Context, name string) (schema, error) {
	s := schema{table: name}
	var err error
	if s.columns, err = d.columns(ctx, name); err != nil {
		return schema{}, err
	}
	if err := d.markJSON(ctx, &s); err != nil {
		return schema{}, err
	}
	if s.indexes, err = d.indexes(ctx, name); err != nil {
		return schema{}, err
	}
	if s.unhashed, err = d.unhashed(ctx); err != nil {
		return schema{}, err
	}
	if s.packs, err = d.packs(ctx); err != nil {
		return schema{}, err
	}
	if s.sequential, err = d.sequentially(ctx, name); err != nil {
		return schema{}, err
	}
	return s, nil
}

func (d *Database) columns(ctx context.Context, name string) ([]column, error) {
	rows, err := d.rows(ctx, "read the columns of "+name,
		"SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, EXTRA, CHARACTER_SET_NAME, COLLATION_NAME,"+
			" DATETIME_PRECISION, CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE"+
			" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION",
		d.name, name)
	if err != nil {
		return nil, err
	}
	columns := make([]column, len(rows))
	for i, row := range rows {
		extra := strings.ToUpper(string(row[4]))
		dataType := strings.ToLower(string(row[1]))
		columns[i] = column{
			name:      string(row[0]),
			dataType:  dataType,
			fullType:  strings.ToLower(string(row[2])),
			kind:      kinds[dataType],
			nullable:  strings.EqualFold(string(row[3]), "YES"),
			invisible: strings.Contains(extra, "INVISIBLE"),
			generated: generated.MatchString(extra),
			touched:   strings.Contains(extra, "ON UPDATE"),
			charset:   strings.ToLower(string(row[5])),
			collation: string(row[6]),
			precision: atoi(row[7]),
			width:     atoi(row[8]),
			octets:    atoi(row[9]),
			digits:    atoi(row[10]),
			scale:     atoi(row[11]),
		}
	}
	return columns, nil
}

// generated leaves out MySQL's DEFAULT_GENERATED: such a column may be written.
var generated = regexp.MustCompile(`\b(VIRTUAL|STORED|PERSISTENT)\b`)

// markJSON finds MariaDB's JSON columns: LONGTEXT with a check. MySQL has a type
// of its own, and does not say to which table a check belongs.
func (d *Database) markJSON(ctx context.Context, s *schema) error {
	if !slices.ContainsFunc(s.columns, func(c column) bool { return c.dataType == "longtext" }) {
		return nil
	}
	operation := "read the checks of " + s.table
	known, err := d.rows(ctx, operation,
		"SELECT 1 FROM information_schema.COLUMNS"+
			" WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'CHECK_CONSTRAINTS' AND COLUMN_NAME = 'TABLE_NAME'")
	if err != nil || len(known) == 0 {
		return err
	}
	rows, err := d.rows(ctx, operation,
		"SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?",
		d.name, s.table)
	if err != nil {
		return err
	}
	for _, row := range rows {
		for i := range s.columns {
			if strings.EqualFold(string(row[0]), "json_valid("+s.columns[i].quoted()+")") {
				s.columns[i].kind = kindJSON
			}
		}
	}
	return nil
}

// indexes reads all columns of the view by name: which of them say that an
// index is hidden from queries depends on the server.
func (d *Database) indexes(ctx context.Context, name string) ([]index, error) {
	names, rows, err := d.query(ctx, "read the indexes of "+name,
		"SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX",
		d.name, name)
	if err != nil {
		return nil, err
	}
	position := make(map[string]int, len(names))
	for i, n := range names {
		position[strings.ToUpper(n)] = i
	}
	var found []index
	for _, row := range rows {
		found = addIndexPart(found, func(field string) diff.Value {
			if i, ok := position[field]; ok {
				return row[i]
			}
			return nil
		})
	}
	return found, nil
}

// addIndexPart adds one row of the view. Indexes that a range cannot use, or
// that are hidden, are left out; FORCE INDEX would fail on them.
func addIndexPart(indexes []index, field func(string) diff.Value) []index {
	is := func(name, value string) bool { return strings.EqualFold(string(field(name)), value) }
	hidden := is("IS_VISIBLE", "NO") || is("IGNORED", "YES")
	usable := is("INDEX_TYPE", "BTREE") || is("INDEX_TYPE", "HASH")
	if hidden || !usable {
		return indexes
	}
	part := indexPart{
		column: string(field("COLUMN_NAME")),
		whole:  field("SUB_PART") == nil && is("INDEX_TYPE", "BTREE"),
	}
	name := string(field("INDEX_NAME"))
	if n := len(indexes); n > 0 && indexes[n-1].name == name {
		indexes[n-1].columns = append(indexes[n-1].columns, part)
		return indexes
	}
	return append(indexes, index{name: name, unique: is("NON_UNIQUE", "0"), columns: []indexPart{part}})
}
