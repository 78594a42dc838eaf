package callback

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/masixun71/cupid-go/pkg/job"
)

// body says how a delivery is written.
type body struct {
	form job.BodyForm
	most int // bytes, about; 0 is any number
}

// encode writes the body, and names the columns that it had no room for. It is
// done by hand because the columns keep the order of the table and the text
// stays as it is: nothing is escaped that JSON does not require. Bytes that are
// not UTF-8 become U+FFFD, one for each byte.
func (f body) encode(r job.Delivery) (text []byte, leftOut []string, err error) {
	if len(r.Columns) != len(r.Values) {
		return nil, nil, fmt.Errorf("%d columns but %d values", len(r.Columns), len(r.Values))
	}
	if leftOut = f.tooLarge(r); len(leftOut) > 0 {
		r = without(r, leftOut)
	}
	b := make([]byte, 0, about(r))
	if f.form == job.BodyRow {
		return appendRow(b, r.Columns, r.Values), leftOut, nil
	}
	b = append(b, `{"type":`...)
	b = strconv.AppendInt(b, int64(r.Type), 10)
	if f.form == job.BodyExtended {
		b = appendMember(b, "job", r.Job)
		b = appendMember(b, "destination", r.Destination)
		names, values := keyOf(r)
		b = appendRow(append(b, `,"key":`...), names, values)
		if len(r.Differing) > 0 {
			b = appendNames(b, "columns", r.Differing)
		}
	}
	if len(leftOut) > 0 {
		b = appendNames(b, "leftOut", leftOut)
	}
	b = appendRow(append(b, `,"srcColumn":`...), r.Columns, r.Values)
	if f.form == job.BodyExtended && len(r.DestinationColumns) > 0 {
		b = appendRow(append(b, `,"desColumn":`...), r.DestinationColumns, r.DestinationValues)
	}
	return append(b, '}'), leftOut, nil
}

// about is how long a body in the seed's form is where nothing in it is escaped.
func about(r job.Delivery) (size int) {
	const around, each = 32, len(`"":"",`)
	for i, v := range r.Values {
		size += len(r.Columns[i]) + len(v) + each
	}
	return size + around
}

// tooLarge are the largest columns without which the rest has room. Those that
// relate the row always stay.
func (f body) tooLarge(r job.Delivery) (names []string) {
	if f.most == 0 {
		return nil
	}
	size, order := 0, []int{}
	for i, v := range r.Values {
		size += len(r.Columns[i]) + len(v)
		if !contains(r.Key, r.Columns[i]) {
			order = append(order, i)
		}
	}
	for _, v := range r.DestinationValues {
		size += len(v)
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(r.Values[b]) - len(r.Values[a]) })
	for _, i := range order {
		if size <= f.most {
			break
		}
		size -= len(r.Values[i])
		names = append(names, r.Columns[i])
	}
	return names
}

// without is a delivery that lacks some columns, and with them the destination's
// row.
func without(r job.Delivery, names []string) job.Delivery {
	columns, values := r.Columns, r.Values
	r.Columns, r.Values, r.DestinationColumns, r.DestinationValues = nil, nil, nil, nil
	for i, name := range columns {
		if !slices.Contains(names, name) {
			r.Columns, r.Values = append(r.Columns, name), append(r.Values, values[i])
		}
	}
	return r
}

// keyOf are the columns that relate the row, as far as the body shows them.
func keyOf(r job.Delivery) (names []string, values [][]byte) {
	for _, name := range r.Key {
		if i := slices.IndexFunc(r.Columns, func(column string) bool { return strings.EqualFold(column, name) }); i >= 0 {
			names, values = append(names, r.Columns[i]), append(values, r.Values[i])
		}
	}
	return names, values
}

// contains looks for a column as servers do, in any letter case.
func contains(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',')
	b = append(appendText(b, []byte(name)), ':')
	return appendText(b, []byte(value))
}

func appendNames(b []byte, name string, names []string) []byte {
	b = append(b, ',')
	b = append(appendText(b, []byte(name)), ':', '[')
	for i, n := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, []byte(n))
	}
	return append(b, ']')
}

func appendRow(b []byte, columns []string, values [][]byte) []byte {
	b = append(b, '{')
	for i, column := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, []byte(column)), ':')
		if values[i] == nil {
			b = append(b, "null"...)
		} else {
			b = appendText(b, values[i])
		}
	}
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendText appends s as a JSON string.
func appendText(b, s []byte) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
			i++
		case c == '\n':
			b = append(b, '\\', 'n')
			i++
		case c == '\r':
			b = append(b, '\\', 'r')
			i++
		case c == '\t':
			b = append(b, '\\', 't')
			i++
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			i++
		default:
			_, size := utf8.DecodeRune(s[i:])
			if size == 1 && c >= utf8.RuneSelf {
				b = utf8.AppendRune(b, utf8.RuneError)
			} else {
				b = append(b, s[i:i+size]...)
			}
			i += size
		}
	}
	return append(b, '"')
}
