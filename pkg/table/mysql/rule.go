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

// wallOf is set for a TIMESTAMP that meets another type: only as a wall clock
// are they comparable.
func wallOf(c, other column, server *zone) *zone {
	if c.kind == kindTimestamp && other.kind != kindTimestamp {
		return server
	}
	return nil
}

// rawOf reports whether two texts compare as their bytes: those of one character
// set, when Unicode may lack some of its letters.
func rawOf(a, b column) bool {
	return a.charset == b.charset && a.charset != "" && !unicode(a.charset)
}

// unicode reports whether every text of a character set has a Unicode text of
// its own. Of ASCII that is not so: its columns hold bytes beyond it.
func unicode(charset string) bool {
	switch charset {
	case "utf8mb4", "utf8mb3", "utf8", "latin1", "ucs2", "utf16", "utf16le", "utf32":
		return true
	}
	return false
}

// loss says why no receiver can make the destination equal, "" when it can.
func loss(source, destination column) string {
	switch {
	case source.kind == kindDouble && destination.kind == kindFloat,
		source.kind == kindFloat && (destination.kind == kindDouble || destination.kind == kindDecimal):
		return "they are compared as FLOAT, with its 24 bits"
	case source.kind.temporal() && destination.kind.temporal() && source.precision > destination.precision:
		return "a row with a smaller fraction of a second will always differ"
	case source.kind != kindDate && source.kind != kindTime && source.kind.temporal() && destination.kind == kindDate:
		return "a row with a time of day will always differ"
	case narrower(source, destination):
		return fmt.Sprintf("a row with a letter that %s lacks will always differ", destination.charset)
	}
	return ""
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
	case "ascii":
		return 0
	case "utf8", "utf8mb3", "ucs2":
		return 2
	case "utf8mb4", "utf16", "utf16le", "utf32", "gb18030":
		return 3
	default:
		return 1
	}
}
