package mysql

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// expression is a piece of SQL with its arguments.
type expression struct {
	sql  string
	args []any
}

// literal is the expression without arguments. Conditions that people write may
// hold a question mark, which would pass for an argument.
func (e expression) literal() string {
	if len(e.args) == 0 {
		return e.sql // its question marks, if any, stand in values
	}
	var b strings.Builder
	e.writeTo(&b)
	return b.String()
}

func (e expression) writeTo(b *strings.Builder) {
	rest := e.sql
	for _, arg := range e.args {
		before, behind, _ := strings.Cut(rest, "?")
		b.WriteString(before)
		switch arg := arg.(type) {
		case []byte:
			fmt.Fprintf(b, "x'%x'", arg)
		case string:
			b.WriteString("'")
			_, _ = escapes.WriteString(b, arg) // a builder takes everything
			b.WriteString("'")
		}
		rest = behind
	}
	b.WriteString(rest)
}

// escapes are those of a session with an empty sql_mode. They also keep a value
// within its line: a client that reads statements from a file changes line ends.
var escapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`)

// operand writes a value as the column's own type would be written; false when
// the column cannot hold it. The type matters: a number that meets a text
// column turns an index look-up into a full scan and 'a1' into 0, and a text
// that is no date fails a whole query.
func (c column) operand(v diff.Value) (expression, bool) {
	text := string(v)
	switch c.kind {
	case kindInteger, kindBit:
		return integerOperand(text)
	case kindDecimal:
		return expression{sql: text}, plainDecimal.MatchString(text)
	case kindFloat, kindDouble:
		f, err := strconv.ParseFloat(text, 64)
		return expression{sql: strconv.FormatFloat(f, 'e', -1, 64)}, err == nil
	case kindBinary:
		return c.filled(v)
	case kindBytes:
		return expression{"?", []any{bytes.Clone(v)}}, true
	case kindDate, kindDateTime, kindTimestamp:
		return expression{"?", []any{text}}, moment(text)
	case kindTime:
		return expression{"?", []any{text}}, span.MatchString(text)
	default:
		return c.textOperand(text)
	}
}

// filled is a value with the zeros that a BINARY column has behind it.
func (c column) filled(v diff.Value) (expression, bool) {
	v = bytes.TrimRight(v, "\x00")
	if len(v) > c.width {
		return expression{}, false
	}
	return expression{"?", []any{append(bytes.Clone(v), make([]byte, c.width-len(v))...)}}, true
}

// plainDecimal leaves out exponents: with one, a literal is a DOUBLE.
var plainDecimal = regexp.MustCompile(`^-?[0-9]{1,65}(\.[0-9]{1,38})?$`)

var zeroDate = regexp.MustCompile(`^([0-9]{4}-00-(0[0-9]|[12][0-9]|3[01])|[0-9]{4}-(0[1-9]|1[0-2])-00)`)

var span = regexp.MustCompile(`^-?[0-9]{2,3}:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$`)

// integerOperand accepts every text of a whole number that fits 64 bits: "007"
// of a text column is the 7 of an integer column.
func integerOperand(text string) (expression, bool) {
	whole, fraction, cut := strings.Cut(text, ".")
	if cut && strings.Trim(fraction, "0") != "" {
		return expression{}, false
	}
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil {
		return expression{sql: strconv.FormatInt(n, 10)}, true
	}
	if n, err := strconv.ParseUint(whole, 10, 64); err == nil {
		return expression{sql: strconv.FormatUint(n, 10)}, true
	}
	return expression{}, false
}

// moment reports whether the text is a date, with or without a time, or one of
// which day, or day and month, or all are zero.
func moment(text string) bool {
	if strings.HasPrefix(text, "0000-00-00") {
		return strings.Trim(text[len("0000-00-00"):], " 0:.") == ""
	}
	if zero := zeroDate.FindString(text); zero != "" {
		text = "2000-01-01" + text[len(zero):]
	}
	for _, layout := range []string{microLayout, time.DateOnly} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// textOperand keeps a text from meeting a character set that lacks its letters:
// the server would convert the column instead of the text, away from its index,
// or refuse the query.
func (c column) textOperand(text string) (expression, bool) {
	if !utf8.ValidString(text) {
		return stray(text), c.charset == ascii
	}
	plain := expression{"?", []any{text}}
	switch {
	case c.charset == "" || c.charset == charset || widest(text) < utf8.RuneSelf:
		return plain, true
	case c.charset == ascii:
		return stray(text), c.strays // a server may refuse a letter of others
	case c.charset == "utf8" || c.charset == "utf8mb3" || c.charset == "ucs2":
		return plain, widest(text) <= 0xFFFF
	default:
		// What the character set lacks becomes a question mark, which the
		// comparison in Go does not take for the key.
		return expression{"CONVERT(? USING " + quoteWord(c.charset) + ") COLLATE " + quoteWord(c.collation), []any{text}}, true
	}
}

// stray writes bytes beyond ASCII as those of an ASCII column.
func stray(text string) expression { return expression{sql: fmt.Sprintf("_ascii x'%x'", text)} }

func widest(text string) rune {
	var widest rune
	for _, r := range text {
		widest = max(widest, r)
	}
	return widest
}

// quoteWord passes names of character sets and collations, which no server
// takes in backticks, and nothing else.
func quoteWord(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, name)
}

// spans leaves out what has the wrong sign for an integer column: one such
// number makes a server compare the whole list as DECIMAL, without the index.
func (c column) spans(operand expression) bool {
	if c.kind != kindInteger && c.kind != kindBit {
		return true
	}
	if c.unsigned() || c.kind == kindBit {
		return !strings.HasPrefix(operand.sql, "-")
	}
	_, err := strconv.ParseInt(operand.sql, 10, 64)
	return err == nil
}
