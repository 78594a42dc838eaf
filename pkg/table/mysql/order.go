package mysql

import (
	"fmt"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// order is the order in which a scan reads rows: by the scan key, or by update
// time and then by the columns that break its ties.
type order struct {
	update *updateColumn // nil when the scan key orders
	keys   []column
	index  string // the index to force; "" when there is none
	unique bool   // no two rows have the same place
}

// columns are what a place consists of, in SQL.
func (o order) columns() []string {
	var columns []string
	if o.update != nil {
		columns = append(columns, o.update.quoted())
	}
	for _, k := range o.keys {
		columns = append(columns, k.quoted())
	}
	return columns
}

// selected are columns, as they are read: of ASCII the bytes, for a place must be found again.
func (o order) selected() []string {
	columns := o.columns()
	for i, k := range o.keys {
		if k.charset == ascii {
			columns[len(columns)-len(o.keys)+i] = k.asBytes()
		}
	}
	return columns
}

// operands are the values of a point, as many as it has.
func (o order) operands(p job.Point) ([]expression, error) {
	var operands []expression
	if p.Timed() != (o.update != nil) {
		return nil, fmt.Errorf("point %s does not lie in this scan's order", p)
	}
	if o.update != nil {
		operands = append(operands, o.update.operand(p.At))
	}
	if len(p.Key) != 0 && len(p.Key) != len(o.keys) {
		return nil, fmt.Errorf("point %s has %d key columns: the table has %d", p, len(p.Key), len(o.keys))
	}
	for i, text := range p.Key {
		own := o.keys[i].related(o.keys[i]) // the text was read of the column itself
		operand, ok := own.operand([]byte(text))
		if !ok {
			return nil, fmt.Errorf("point %s does not fit the column %s of type %s", p, o.keys[i].name, o.keys[i].fullType)
		}
		operands = append(operands, operand)
	}
	return operands, nil
}

// within is the condition of the rows in (after, upto].
func (o order) within(after, upto job.Point) (expression, error) {
	if between, ok := o.between(after, upto); ok {
		return between, nil
	}
	var conditions []expression
	if !after.Open() {
		operands, err := o.operands(after)
		if err != nil {
			return expression{}, err
		}
		conditions = append(conditions, beyond(o.columns(), operands, ">", ">"))
	}
	if !upto.Open() {
		operands, err := o.operands(upto)
		if err != nil {
			return expression{}, err
		}
		conditions = append(conditions, beyond(o.columns(), operands, "<", "<="))
	}
	if o.update != nil && (after.Open() || upto.Open()) {
		conditions = append(conditions, o.update.dated())
	}
	for _, k := range o.keys {
		if k.nullable { // a row without a key has no place, and cannot be asked for
			conditions = append(conditions, expression{sql: k.quoted() + " IS NOT NULL"})
		}
	}
	return conjunction(conditions), nil
}

// between is that condition for an integer key, which costs a server less: it looks at each row once, not
// twice. Left out are numbers that some servers compare wrongly in this form, signed and unsigned ones mixed.
func (o order) between(after, upto job.Point) (expression, bool) {
	if o.update != nil || len(o.keys) != 1 || o.keys[0].kind != kindInteger || o.keys[0].nullable {
		return expression{}, false
	}
	low, ok1 := after.Integer()
	high, ok2 := upto.Integer()
	if !ok1 || !ok2 || low.Sign() < 0 || low.Cmp(high) >= 0 || !high.IsInt64() {
		return expression{}, false
	}
	return expression{sql: fmt.Sprintf("%s BETWEEN %d AND %s", o.keys[0].quoted(), low.Int64()+1, high)}, true
}

// beyond compares places as a dictionary does: (a, b) > (x, y) is
// a >= x AND (a > x OR (a = x AND b > y)). Written out, because servers read the
// row form with a full scan; the first part tells them where to begin.
// The last column is compared by last, the others by strict.
func beyond(columns []string, operands []expression, strict, last string) expression {
	column, operand := columns[0], operands[0]
	if len(operands) == 1 {
		return expression{column + " " + last + " " + operand.sql, operand.args}
	}
	rest := beyond(columns[1:], operands[1:], strict, last)
	sql := fmt.Sprintf("%[1]s %[2]s= %[3]s AND (%[1]s %[2]s %[3]s OR (%[1]s = %[3]s AND %[4]s))",
		column, strict, operand.sql, rest.sql)
	var args []any
	for range 3 {
		args = append(args, operand.args...)
	}
	return expression{sql, append(args, rest.args...)}
}

func conjunction(conditions []expression) expression {
	if len(conditions) == 0 {
		return expression{sql: "TRUE"}
	}
	var parts []string
	var args []any
	for _, c := range conditions {
		parts = append(parts, c.sql)
		args = append(args, c.args...)
	}
	return expression{strings.Join(parts, " AND "), args}
}

// place reads the point of a row from the texts of the order's columns; false
// when its update time cannot be read as one.
func (o order) place(texts [][]byte, zone *time.Location) (job.Point, bool) {
	var p job.Point
	if o.update != nil {
		at, ok := o.update.parse(texts[0], zone)
		if !ok {
			return job.Point{}, false
		}
		p.At, texts = at, texts[1:]
	}
	for _, text := range texts {
		p.Key = append(p.Key, string(text))
	}
	return p, true
}
