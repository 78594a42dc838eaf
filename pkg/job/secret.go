package job

import "log/slog"

const masked = "********"

// Secret is a text that must not be shown: a DSN, a password, a signing key.
// Every way of printing it shows asterisks; Reveal is the only way to the text.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the text itself, for the one call that needs it.
func (s Secret) Reveal() string { return s.text }

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.text == "" }

// String masks the text; an empty secret stays empty, so that "not set" is visible.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return masked
}

// GoString masks the text in %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue masks the text in slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText masks the text in JSON, YAML and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the text from a config file.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}
