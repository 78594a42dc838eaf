package diff

import (
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Options are the differences between two columns that a person said to
// overlook. NULL equals NULL alone, whatever they say.
type Options struct {
	Trim       bool // spaces at either end of a text
	IgnoreCase bool // upper and lower case of a text
	// Within is how far numbers may lie apart, or times in seconds; nil is not at all.
	Within *big.Rat
	// Below leaves Within itself out: what lies so far apart differs.
	Below bool
}

// None reports whether nothing is overlooked.
func (o Options) None() bool { return o == Options{} }

// Equal reports whether two values count as the same.
func (p Pair) Equal(a, b Value) bool {
	switch {
	case a == nil || b == nil, p.Options.None():
		return p.Rule.Equal(a, b)
	case p.canonical(a) == p.canonical(b):
		return true
	case p.Options.Within == nil:
		return false
	}
	x, ok := p.Rule.quantity(a)
	if !ok {
		return false
	}
	y, ok := p.Rule.quantity(b)
	if !ok {
		return false
	}
	distance := x.Sub(x, y)
	order := distance.Abs(distance).Cmp(p.Options.Within)
	return order < 0 || order == 0 && !p.Options.Below
}

// canonical is a text that two values share exactly when they are equal, but for
// what lies within a distance.
func (p Pair) canonical(v Value) string {
	if p.Options.Trim {
		v = Value(strings.Trim(string(v), " "))
	}
	text := p.Rule.canonical(v)
	if p.Options.IgnoreCase {
		text = foldCase(text)
	}
	return text
}

// foldCase goes through upper case: some lower-case letters, such as ſ, share
// theirs with another one. What is no text has no case.
func foldCase(text string) string {
	if !utf8.ValidString(text) {
		return text
	}
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, text)
}

// quantity is a value as an exact number; times are in seconds. False for what
// is none, such as a zero date.
func (r Rule) quantity(v Value) (*big.Rat, bool) {
	switch r {
	case Number:
		return exact(string(v))
	case Single, Double:
		bits := 64
		if r == Single {
			bits = 32
		}
		text, ok := float(string(v), bits) // 0.1 is a tenth, as people read it, not the binary fraction next to it
		if !ok {
			return nil, false
		}
		return exact(text)
	case Time:
		micros, ok := instant(string(v))
		return big.NewRat(micros, int64(time.Second/time.Microsecond)), ok
	}
	return nil, false
}

// mostDigits bounds the exponents of numbers that are taken apart: a text column
// may hold 1e999999999.
const mostDigits = 400

func exact(text string) (*big.Rat, bool) {
	text, ok := decimal(text)
	if !ok {
		return nil, false
	}
	if _, exponent, found := strings.Cut(text, "e"); found {
		if n, err := strconv.Atoi(exponent); err != nil || n > mostDigits || n < -mostDigits {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}

// instant is a wall clock, a date or a span as microseconds.
func instant(text string) (int64, bool) {
	if at, err := time.Parse("2006-01-02 15:04:05.999999", moment(text)); err == nil {
		return at.UnixMicro(), true
	}
	negative := strings.HasPrefix(text, "-")
	parts := strings.Split(strings.TrimPrefix(text, "-"), ":")
	if len(parts) != 3 {
		return 0, false
	}
	hours, err := strconv.ParseUint(parts[0], 10, 16)
	if err != nil {
		return 0, false
	}
	rest, err := time.Parse("04:05.999999", parts[1]+":"+parts[2])
	if err != nil {
		return 0, false
	}
	span := time.Duration(hours)*time.Hour + time.Duration(rest.Minute())*time.Minute +
		time.Duration(rest.Second())*time.Second + time.Duration(rest.Nanosecond())
	if negative {
		span = -span
	}
	return span.Microseconds(), true
}
