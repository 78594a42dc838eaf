// Package table holds the error words that all kinds of store share.
package table

import "strings"

// Problem is one mistake in a config, a schema or an account.
type Problem struct {
	Where string // the table or database, never with a password
	What  string // what was found
	Mend  string // what to do about it; may be empty
}

// String is one line: where, what, mend.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	b.WriteString(p.What)
	if p.Mend != "" {
		b.WriteString("; " + p.Mend)
	}
	return b.String()
}

// ConfigError is a mistake that only a person can mend: in the config, in a
// schema or in an account's rights. Every other error of a store means that it
// is unavailable, and is to be waited for.
type ConfigError struct{ Problems []Problem }

// Error lists all problems, one line each when there are several.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
