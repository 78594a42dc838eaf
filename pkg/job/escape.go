package job

import (
	"fmt"
	"strings"
)

// emptyText stands for the empty string, which would otherwise read as "open".
const emptyText = "%"

// escape percent-encodes everything that has a meaning in an id, everything
// that a terminal would not show, and every byte above ASCII.
// Decimal numbers pass unchanged.
func escape(s string) string {
	if s == "" {
		return emptyText
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// unescape is the inverse of escape and accepts nothing that escape would not
// have written: one id has one text.
func unescape(s string) (string, error) {
	if s == emptyText {
		return "", nil
	}
	if s == "" {
		return "", fmt.Errorf("a key is empty: want text or %q for the empty string", emptyText)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case plain(s[i]):
			b.WriteByte(s[i])
		case s[i] == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			c := byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2]))
			if plain(c) {
				return "", fmt.Errorf("key %q escapes %q, which needs no escape", s, c)
			}
			b.WriteByte(c)
			i += 2
		default:
			return "", fmt.Errorf("key %q is not percent-encoded at byte %d", s, i)
		}
	}
	return b.String(), nil
}

// hexDigit is the value of one upper-case hexadecimal digit, or -1.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
