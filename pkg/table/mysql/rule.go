package mysql

import (
	"fmt"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// ruleOf is how a pair of columns compares: by what their types have in common.
func ruleOf(source, destination column) diff.Rule {
	either := func(k kind) bool { return source.kind == k || destination.kind == k }
	switch {
	case either(kindJSON):
		return diff.JSON
	case either(kindFloat):
		return diff.Single
	case either(kindDouble):
		return diff.Double
	case source.kind.number() || destination.kind.number():
		return diff.Number
	case either(kindSet):
		return diff.Set
	case source.kind.temporal() || destination.kind.temporal():
		return diff.Time
	case either(kindChar) && source.kind != destination.kind:
		return diff.SpacePadded
	case either(kindBinary):
		return diff.ZeroPadded
	default:
		return diff.Bytes
	}
}

// keyRuleOf is that of columns that relate rows. A text finds numbers and times as
// the source shows them: by no other spelling, whatever its value.
func keyRuleOf(source, destination column) diff.Rule {
	if destination.kind.text() && !source.kind.text() && !source.kind.bytes() {
		return diff.Bytes
	}
	return ruleOf(source, destination)
}

// wallOf is set for a TIMESTAMP that meets another type: only as a wall clock
// are they comparable.
func wallOf(c, other column, server *zone) *zone {
	if c.kind == kindTimestamp && other.kind != kindTimestamp {
		return server
	}
	return nil
}

// rawOf reports whether the texts of a column compare with another's as their
// bytes: those of one character set, when Unicode may lack some of its letters, and
// ASCII with any, of which conversion keeps all but its bytes beyond ASCII.
func rawOf(c, other column) bool {
	return c.charset == ascii || c.charset == other.charset && c.charset != "" && !unicode(c.charset)
}

// ascii is a character set whose columns hold any byte.
const ascii = "ascii"

// unicode reports whether every text of a character set has a Unicode text of
// its own. Of ASCII that is not so: its columns hold bytes beyond it.
func unicode(charset string) bool {
	switch charset {
	case "utf8mb4", "utf8mb3", "utf8", "latin1", "ucs2", "utf16", "utf16le", "utf32":
		return true
	}
	return false
}

// lack is what a destination's column cannot hold of the source's.
type lack struct {
	why       string
	precision bool // digits behind the point, of a number or a second
	digits    int  // that it does hold
	mend      string
	bearable  bool // it is overlooked anyway
}

// loss says why no receiver can make some values equal; false when it can make all.
func loss(source, destination column) (lack, bool) {
	exactly := func(c column) bool { return c.kind == kindInteger || c.kind == kindDecimal }
	floating := source.kind == kindFloat || source.kind == kindDouble
	clock := source.kind == kindDateTime || source.kind == kindTimestamp
	switch {
	case source.kind == kindDouble && destination.kind == kindFloat, source.kind == kindFloat && destination.kind == kindDouble:
		return lack{why: "they are compared as FLOAT, with its 24 bits", bearable: true}, true
	case source.kind.temporal() && destination.kind.temporal() && source.precision > destination.precision && destination.kind != kindDate:
		return lack{why: "a row with a smaller fraction of a second will always differ", precision: true, digits: destination.precision}, true
	case clock && destination.kind == kindDate:
		return lack{why: "a row with a time of day will always differ", mend: "keep the time of day"}, true
	case exactly(source) && exactly(destination) && source.scale > destination.scale, floating && exactly(destination):
		return lack{why: "a number with more digits behind the point will always differ", precision: true, digits: destination.scale}, true
	case narrower(source, destination):
		return lack{why: fmt.Sprintf("a row with a letter that %s lacks will always differ", destination.charset), mend: "give the destination's column the source's character set"}, true
	case shorter(source, destination):
		return lack{why: "a longer value will always differ", mend: "widen the destination's column"}, true
	}
	return lack{}, false
}

// shorter reports whether the destination's text or bytes end before the source's.
func shorter(source, destination column) bool {
	free := func(c column) bool { return (c.kind.text() && c.kind != kindEnum || c.kind.bytes()) && c.width > 0 }
	return free(source) && free(destination) && source.kind.bytes() == destination.kind.bytes() && source.width > destination.width
}

// narrower reports whether the destination's character set lacks letters of the
// source's.
func narrower(source, destination column) bool {
	if source.charset == "" || destination.charset == "" || source.charset == destination.charset {
		return false
	}
	return reach(destination.charset) < reach(source.charset)
}

// reach orders character sets by what they hold; those of one country lie
// between ASCII and Unicode.
func reach(charset string) int {
	switch charset {
	case ascii:
		return 0
	case "utf8", "utf8mb3", "ucs2":
		return 2
	case "utf8mb4", "utf16", "utf16le", "utf32", "gb18030":
		return 3
	default:
		return 1
	}
}
