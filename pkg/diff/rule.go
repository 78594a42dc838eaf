package diff

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Rule is how one pair of columns compares.
type Rule uint8

// The rules. A value that a rule cannot read is compared by its bytes.
const (
	Bytes       Rule = iota // byte for byte
	Number                  // exact decimal numbers by value: 1.50 = 1.5000, 00042 = 42
	Double                  // floating point numbers of 64 bits
	Single                  // floating point numbers of 32 bits
	JSON                    // JSON documents by value, with exact numbers
	Time                    // dates and times as text: 10:00:01 = 10:00:01.000
	Set                     // comma-separated labels in any order
	SpacePadded             // text without its trailing spaces, as CHAR returns it
	ZeroPadded              // bytes without their trailing zeros, as BINARY adds them
)

// Equal reports whether two values are the same under the rule. NULL equals
// NULL alone.
func (r Rule) Equal(a, b Value) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if bytes.Equal(a, b) {
		return true
	}
	return r != Bytes && r.canonical(a) == r.canonical(b)
}

// The first byte of a canonical text says whether the rule could read the
// value, so that no unreadable value meets a readable one.
const (
	readable   = "="
	unreadable = "!"
)

// canonical is a text that two values share exactly when they are equal.
func (r Rule) canonical(v Value) string {
	var text string
	ok := true
	switch r {
	case Number:
		text, ok = decimal(string(v))
	case Double:
		text, ok = float(string(v), 64)
	case Single:
		text, ok = float(string(v), 32)
	case JSON:
		text, ok = document(v)
	case Time:
		text = moment(string(v))
	case Set:
		text = set(string(v))
	case SpacePadded:
		text = strings.TrimRight(string(v), " ")
	case ZeroPadded:
		text = strings.TrimRight(string(v), "\x00")
	default:
		text = string(v)
	}
	if !ok {
		return unreadable + string(v)
	}
	return readable + text
}

func float(s string, bits int) (string, bool) {
	f, err := strconv.ParseFloat(s, bits)
	if err != nil {
		return "", false
	}
	if f == 0 {
		f = 0 // servers differ in whether they keep the sign of -0
	}
	return strconv.FormatFloat(f, 'g', -1, bits), true
}

// moment drops the zeros at the end of a fraction and gives a bare date its
// midnight.
func moment(s string) string {
	if len(s) == len("2006-01-02") && s[4] == '-' && s[7] == '-' {
		return s + " 00:00:00"
	}
	if strings.Contains(s, ".") {
		s = strings.TrimRight(s, "0")
		s = strings.TrimSuffix(s, ".")
	}
	return s
}

func set(s string) string {
	labels := strings.Split(s, ",")
	slices.Sort(labels)
	return strings.Join(labels, ",")
}
