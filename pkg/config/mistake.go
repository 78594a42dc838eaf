package config

import "strings"

// Mistake is one thing in a config that cannot be used.
type Mistake struct {
	Path    string // the key as the user wrote it, "line 3, column 7", or "" for the whole file
	Found   string // "found 50", "missing"; never a secret
	Allowed string // "want 100ms or more", "did you mean …?"
}

// String is the mistake in one line.
func (m Mistake) String() string {
	s := m.Found
	if m.Path != "" {
		s = m.Path + ": " + s
	}
	if m.Allowed != "" {
		s += ", " + m.Allowed
	}
	return s
}

// Error holds every mistake of one config file, or of one job in it.
type Error struct {
	File     string
	Mistakes []Mistake
}

// Error has one line per mistake.
func (e *Error) Error() string {
	lines := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		lines[i] = e.File + ": " + m.String()
	}
	return strings.Join(lines, "\n")
}
