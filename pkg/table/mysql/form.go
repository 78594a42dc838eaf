package mysql

import (
	"fmt"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// form is the canonical text of a column, as SQL: NULL exactly when the column
// is NULL, else in utf8mb4 or bytes.
type form struct {
	column column
	text   string
	free   bool // the text may be of any length
	bytes  bool // the text may hold bytes that are no UTF-8
}

// formsOf writes a pair of columns so that the texts of two values are the same
// exactly when the values are equal under the rule; or says why there is no such
// text.
func formsOf(source, destination field, rule diff.Rule, options diff.Options) (a, b form, why string) {
	texts, free, why := canonical(source, destination, rule)
	if why == "" && options.Within != nil {
		why = "what lies close to two values may be equal to both"
	}
	for i := range texts {
		if options.Trim {
			texts[i] = "TRIM(" + texts[i] + ")"
		}
		if options.IgnoreCase {
			texts[i] = "LOWER(" + texts[i] + ")"
		}
	}
	if why != "" {
		why = fmt.Sprintf("column %s of type %s and the destination's %s of type %s: %s",
			source.column.quoted(), source.column.fullType, destination.column.quoted(), destination.column.fullType, why)
	}
	bytes := free && (!source.utf8() || !destination.utf8())
	return form{source.column, texts[0], free, bytes}, form{destination.column, texts[1], free, bytes}, why
}

// other is the reason of pairs whose types have no text in common.
const other = "the types write equal values differently"

func canonical(source, destination field, rule diff.Rule) (texts [2]string, free bool, why string) {
	a, b := source.column, destination.column
	switch rule {
	case diff.Number:
		texts, why = numbers(a, b)
	case diff.Single, diff.Double:
		if a.kind != b.kind {
			return texts, false, other
		}
		// Adding an exact zero widens a FLOAT to all of its digits, and takes the
		// sign from -0.
		return [2]string{a.quoted() + "+0e0", b.quoted() + "+0e0"}, false, ""
	case diff.JSON:
		why = "the text of a JSON document depends on who wrote it"
	case diff.Time:
		texts, why = moments(source, destination)
	case diff.Set:
		if a.fullType != b.fullType {
			return texts, true, "the order of a SET's labels follows its definition"
		}
		texts, free = [2]string{letters(source), letters(destination)}, true
	default:
		texts, why = bytesOf(source, destination, rule)
		free = true
	}
	return texts, free, why
}

// numbers compare by value: as whole numbers, or with the same digits behind the
// point.
func numbers(a, b column) (texts [2]string, why string) {
	scale := max(a.scale, b.scale)
	for i, c := range []column{a, b} {
		switch {
		case c.kind != kindInteger && c.kind != kindDecimal && c.kind != kindBit:
			return texts, other
		case c.scale < scale && c.digits-c.scale > maxDigits-scale:
			return texts, fmt.Sprintf("no DECIMAL holds %d digits before and %d behind the point", c.digits-c.scale, scale)
		case c.scale < scale:
			texts[i] = fmt.Sprintf("CAST(%s AS DECIMAL(%d,%d))", c.quoted(), maxDigits, scale)
		case c.zerofill() || c.kind == kindBit || c.dataType == "year":
			texts[i] = c.quoted() + "+0"
		default:
			texts[i] = c.quoted()
		}
	}
	return texts, ""
}

// maxDigits is how many digits a DECIMAL has at most.
const maxDigits = 65

// moments are written with the same digits of a fraction, and days with their
// midnight.
func moments(source, destination field) (texts [2]string, why string) {
	a, b := source.column, destination.column
	if !a.kind.temporal() || !b.kind.temporal() || (a.kind == kindTime) != (b.kind == kindTime) {
		return texts, other
	}
	precision := max(a.precision, b.precision)
	for i, f := range []field{source, destination} {
		text, ok := f.moment()
		if !ok {
			return texts, "the zone of the wall clock is no fixed offset"
		}
		padding := ""
		if f.column.kind == kindDate && a.kind != b.kind {
			padding = " 00:00:00"
		}
		if f.column.precision == 0 && precision > 0 {
			padding += "."
		}
		padding += strings.Repeat("0", precision-f.column.precision)
		if padding != "" {
			text = "CONCAT(" + text + ",'" + padding + "')"
		}
		texts[i] = text
	}
	return texts, ""
}

// moment shows a time on the wall clock where it is to be; false where the server
// would need zone tables for that.
func (f field) moment() (string, bool) {
	if f.wall == nil {
		return f.column.quoted(), true
	}
	shown, ok := fixedOffset(f.wall.Load())
	read, alsoFixed := fixedOffset(f.clock())
	if !ok || !alsoFixed {
		return "", false
	}
	seconds := shown - read
	if seconds == 0 {
		return f.column.quoted(), true
	}
	// A zero date has no neighbours: the sum is NULL.
	return fmt.Sprintf("IFNULL(%[1]s + INTERVAL %[2]d SECOND,%[1]s)", f.column.quoted(), seconds), true
}

// bytesOf are texts and bytes, whole or without their padding.
func bytesOf(source, destination field, rule diff.Rule) (texts [2]string, why string) {
	for i, f := range []field{source, destination} {
		text := letters(f)
		switch {
		case !f.column.kind.text() && !f.column.kind.bytes(), f.column.dataType == "vector":
			return texts, other
		case rule == diff.SpacePadded && f.column.kind.bytes(), rule == diff.ZeroPadded && f.column.kind.text():
			return texts, other
		case rule == diff.SpacePadded && f.column.kind != kindChar:
			text = "RTRIM(" + text + ")"
		case rule == diff.ZeroPadded && source.column.fullType != destination.column.fullType:
			text = "TRIM(TRAILING x'00' FROM " + text + ")"
		}
		texts[i] = text
	}
	return texts, ""
}

// letters is a text in utf8mb4, or its bytes.
func letters(f field) string {
	c := f.column
	switch {
	case c.kind.bytes():
		return c.quoted()
	case f.raw:
		return c.asBytes()
	case c.charset == "utf8mb4" || c.charset == "utf8mb3" || c.charset == "utf8":
		return c.quoted()
	default: // also types without a character set, which may show bytes to some functions
		return "CONVERT(" + c.quoted() + " USING " + charset + ")"
	}
}

// utf8 reports whether letters gives UTF-8.
func (f field) utf8() bool { return !f.column.kind.bytes() && !f.raw }

// longest is how many bytes the text has at most, 0 for not many.
func (f form) longest() int {
	switch {
	case !f.free:
		return 0
	case f.column.octets == 0 && f.column.kind.bytes(): // geometries do not say it
		return 1 << 32
	case f.text == f.column.quoted():
		return f.column.octets
	default:
		return f.column.octets * widening
	}
}

// widening is how much longer a text of any character set may become in utf8mb4.
const widening = 3
