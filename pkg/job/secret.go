package job

import (
	"fmt"
	"io"
	"log/slog"
)

const masked = "********"

// Secret is a text that must not be shown: a DSN, a password, a signing key.
// Every way of printing it shows asterisks; Reveal is the only way to the text.
//
// The text stands behind a pointer, because fmt asks the fields of a stranger's
// struct for no method when their names are unexported, but follows no pointer there.
// So secrets are not compared by ==.
type Secret struct{ text *string }

// NewSecret wraps text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text itself, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.text == nil }

// String masks the text; an empty secret stays empty, so that "not set" is visible.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return masked
}

// Format masks the text whatever the verb: %d would show a string that it cannot print.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue masks the text in slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the text in JSON, YAML and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the text from a config file.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
