package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/v2"
)

// reader gives the merged layers out by type. A value that has not its type
// becomes a mistake and reads as zero.
type reader struct {
	*schema
	notes    *notes
	values   *koanf.Koanf
	origins  map[string]origin
	limits   map[string]limit // by pattern
	environ  *environment
	counts   map[string]int  // elements by key of the list
	broken   []string        // paths whose value is no section or list
	file     string          // the config file
	failed   map[string]bool // keys with a mistake
	expanded map[string]bool // variables that secrets name
}

// find looks a key up, then where its value may be shared.
func (r *reader) find(key string) (value any, at string, ok bool) {
	for _, at := range fallbacks(key) {
		if v := r.values.Get(at); v != nil {
			return v, at, true
		}
	}
	return nil, key, false
}

// given reports whether a value stands in the file, the environment or a flag.
func (r *reader) given(key string) bool {
	_, at, ok := r.find(key)
	_, hasOrigin := r.origins[at]
	return ok && hasOrigin
}

// name is how the user wrote the key, or would write it.
func (r *reader) name(at string) string {
	return cmp.Or(r.origins[at].name, r.nameOf(at))
}

// wrong notes a value that cannot be used. What lies in a section that is broken
// as a whole needs no further word.
func (r *reader) wrong(at, found, allowed string) {
	r.failed[at] = true
	name := r.name(at)
	for _, section := range r.broken {
		if rest, inside := strings.CutPrefix(name, section); inside && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return
		}
	}
	r.notes.mistake(at, Mistake{name, found, allowed})
}

// missing notes a value that must be given.
func (r *reader) missing(key, allowed string) {
	r.wrong(key, "missing", allowed)
}

// bad reports whether the value that key reads has a mistake already.
func (r *reader) bad(key string) bool {
	_, at, _ := r.find(key)
	return r.failed[at]
}

func (r *reader) limit(key string) limit {
	pattern, _ := patternOf(key)
	return r.limits[pattern]
}

// lenient reports whether a text may stand for a number or a truth value.
func (r *reader) lenient(at string) bool {
	o, given := r.origins[at]
	return !given || o.lenient
}

func (r *reader) text(key string) string {
	v, at, ok := r.find(key)
	if !ok {
		return ""
	}
	s, isText := asText(v)
	if !isText {
		r.wrong(at, "found "+shown(v), "want a text")
	}
	return s
}

// asText takes whole numbers too: a table or a key may be named so.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int, int64, uint64:
		return fmt.Sprint(v), true
	case json.Number:
		_, err := strconv.ParseInt(v.String(), 10, 64)
		_, errUnsigned := strconv.ParseUint(v.String(), 10, 64)
		return v.String(), err == nil || errUnsigned == nil
	}
	return "", false
}

// word reads a text that must be one of the words the setting allows.
func (r *reader) word(key string) string {
	s := strings.ToLower(r.text(key))
	words := r.limit(key).words
	if _, at, _ := r.find(key); !r.bad(key) && !slices.Contains(words, s) {
		r.wrong(at, "found "+shown(s), "want one of "+strings.Join(words, ", "))
	}
	return s
}

func (r *reader) flag(key string) bool {
	v, at, _ := r.find(key)
	if b, ok := v.(bool); ok {
		return b
	}
	if s, ok := v.(string); ok && r.lenient(at) {
		if b, err := strconv.ParseBool(strings.ToLower(s)); err == nil {
			return b
		}
	}
	r.wrong(at, "found "+shown(v), "want true or false")
	return false
}

func (r *reader) number(key string) int {
	v, at, _ := r.find(key)
	limit := r.limit(key)
	if n, ok := r.wholeNumber(v, at); ok && n >= limit.min && n <= limit.max {
		return n
	}
	r.wrong(at, "found "+shown(v), fmt.Sprintf("want a whole number from %d to %d", limit.min, limit.max))
	return 0
}

func (r *reader) wholeNumber(v any, at string) (int, bool) {
	if _, isText := v.(string); isText && !r.lenient(at) {
		return 0, false
	}
	s, ok := asText(v)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil
}

// share reads a part of one: 0 for none, and less than all.
func (r *reader) share(key string) float64 {
	v, at, _ := r.find(key)
	if _, isText := v.(string); !isText || r.lenient(at) {
		if s, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(v)), 64); err == nil && s >= 0 && s < 1 {
			return s
		}
	}
	r.wrong(at, "found "+shown(v), "want a share from 0 to less than 1, such as 0.2")
	return 0
}

// duration reads "1.5s", or in the seed form a number of the key's unit.
func (r *reader) duration(key string) time.Duration {
	v, at, _ := r.find(key)
	unit, shortest := r.origins[at].unit, r.limit(key).shortest
	d, ok := parseDuration(v, unit)
	if ok && d >= shortest && d <= longest {
		return d
	}
	if unit > 0 {
		r.wrong(at, "found "+shown(v), fmt.Sprintf("want a number of %ss, at least %s", unitName(unit), trimNumber(float64(shortest)/float64(unit))))
	} else {
		r.wrong(at, "found "+shown(v), fmt.Sprintf("want a duration from %s to %s such as %q",
			shortDuration(shortest), shortDuration(longest), shortDuration(max(shortest, 2*time.Second))))
	}
	return 0
}

func parseDuration(v any, unit time.Duration) (time.Duration, bool) {
	if unit == 0 {
		s, ok := v.(string)
		if !ok {
			return 0, false
		}
		d, err := time.ParseDuration(strings.TrimSpace(s))
		return d, err == nil
	}
	switch v.(type) {
	case string, number:
	default:
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(v)), 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > float64(longest/unit) {
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}

func unitName(unit time.Duration) string {
	if unit == time.Millisecond {
		return "millisecond"
	}
	return "second"
}

func trimNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
