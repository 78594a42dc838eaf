package callback

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/masixun71/cupid-go/pkg/job"
)

// encode writes the body. It is done by hand because the columns keep the order
// of the table and the text stays as it is: nothing is escaped that JSON does
// not require. Bytes that are not UTF-8 become U+FFFD, one for each byte.
func encode(form job.BodyForm, r job.Delivery) ([]byte, error) {
	if len(r.Columns) != len(r.Values) {
		return nil, fmt.Errorf("%d columns but %d values", len(r.Columns), len(r.Values))
	}
	if form == job.BodyRow {
		return appendRow(nil, r), nil
	}
	b := append([]byte(nil), `{"type":`...)
	b = strconv.AppendInt(b, int64(r.Type), 10)
	b = append(b, `,"srcColumn":`...)
	return append(appendRow(b, r), '}'), nil
}

func appendRow(b []byte, r job.Delivery) []byte {
	b = append(b, '{')
	for i, column := range r.Columns {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, []byte(column)), ':')
		if r.Values[i] == nil {
			b = append(b, "null"...)
		} else {
			b = appendText(b, r.Values[i])
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
