package diff

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// document is the canonical text of a JSON document: objects in the order of
// their keys, numbers by exact value. Numbers never pass through float64, which
// would make 9007199254740992 equal 9007199254740993.
func document(v Value) (string, bool) {
	if !utf8.Valid(v) {
		return "", false // the decoder would turn every invalid byte into the same rune
	}
	decoder := json.NewDecoder(bytes.NewReader(v))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", false
	}
	if _, err := decoder.Token(); err != io.EOF {
		return "", false
	}
	text := appendJSON(nil, value)
	if loneSurrogate(v, text) {
		return "", false
	}
	return string(text), true
}

// loneSurrogate reports whether decoding may have replaced an escaped half of a
// surrogate pair: all of them would become the same rune.
func loneSurrogate(raw, decoded []byte) bool {
	return bytes.ContainsRune(decoded, utf8.RuneError) &&
		strings.Contains(strings.ToLower(string(raw)), `\ud`)
}

func appendJSON(text []byte, value any) []byte {
	switch value := value.(type) {
	case nil:
		return append(text, "null"...)
	case bool:
		return strconv.AppendBool(text, value)
	case json.Number:
		if number, ok := decimal(value.String()); ok {
			return append(text, number...)
		}
		return append(text, value.String()...)
	case string:
		return appendString(text, value)
	case []any:
		text = append(text, '[')
		for _, item := range value {
			text = append(appendJSON(text, item), ',')
		}
		return append(text, ']')
	case map[string]any:
		text = append(text, '{')
		for _, key := range slices.Sorted(maps.Keys(value)) {
			text = append(appendString(text, key), ':')
			text = append(appendJSON(text, value[key]), ',')
		}
		return append(text, '}')
	}
	return text // the decoder returns no other type
}

// appendString writes the length before the text, so that no text needs escapes.
func appendString(text []byte, s string) []byte {
	text = append(text, '"')
	text = strconv.AppendInt(text, int64(len(s)), 10)
	text = append(text, ':')
	return append(text, s...)
}
