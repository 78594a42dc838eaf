package diff

import (
	"strconv"
	"strings"
)

// maxExponent keeps exponent arithmetic far from overflow. No column of a
// database holds a number beyond it.
const maxExponent = 1 << 40

// decimal is the canonical text of a decimal number, "<sign><digits>e<exponent>"
// without zeros at either end of the digits. It never expands an exponent, so
// "1e999999999" costs nothing.
func decimal(s string) (string, bool) {
	mantissa, exponent, ok := splitExponent(s)
	if !ok {
		return "", false
	}
	sign := ""
	switch {
	case strings.HasPrefix(mantissa, "-"):
		sign, mantissa = "-", mantissa[1:]
	case strings.HasPrefix(mantissa, "+"):
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	exponent -= int64(len(fraction))
	trimmed := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	trimmed = strings.TrimLeft(trimmed, "0")
	if trimmed == "" {
		return "0", true
	}
	return sign + trimmed + "e" + strconv.FormatInt(exponent, 10), true
}

func splitExponent(s string) (mantissa string, exponent int64, ok bool) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, true
	}
	exponent, err := strconv.ParseInt(s[i+1:], 10, 64)
	if err != nil || exponent > maxExponent || exponent < -maxExponent {
		return "", 0, false
	}
	return s[:i], exponent, true
}
