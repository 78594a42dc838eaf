package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knadh/koanf/v2"

	"github.com/masixun71/cupid-go/pkg/job"
)

// reader gives the merged layers out by type. A value that has not its type
// becomes a mistake and reads as zero.
type reader struct {
	*schema
	notes   *notes
	values  *koanf.Koanf
	origins map[string]origin
	limits  map[string]limit // by pattern
	environ map[string]string
	counts  map[string]int // elements by key of the list
	file    string         // the config file
	failed  map[string]bool
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

// wrong notes a value that cannot be used.
func (r *reader) wrong(at, found, allowed string) {
	r.failed[at] = true
	r.notes.mistake(at, Mistake{r.name(at), found, allowed})
}

// missing notes a value that must be given.
func (r *reader) missing(key, allowed string) {
	r.wrong(key, "missing", allowed)
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
	if _, at, _ := r.find(key); !slices.Contains(words, s) && !r.failed[at] {
		r.wrong(at, "found "+shown(s), "want "+strings.Join(words, " or "))
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
		r.wrong(at, "found "+shown(v), fmt.Sprintf("want a duration of at least %s such as \"2s\"", shortDuration(shortest)))
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

// texts reads a list, or one text that commas divide.
func (r *reader) texts(key string) []string {
	v, at, ok := r.find(key)
	if !ok {
		return nil
	}
	elements, isList := v.([]any)
	if !isList {
		s, isText := asText(v)
		if !isText {
			r.wrong(at, "found "+kindOf(v), "want a text or a list of texts")
			return nil
		}
		for part := range strings.SplitSeq(s, ",") {
			elements = append(elements, part)
		}
	}
	var all []string
	for i, element := range elements {
		s, isText := asText(element)
		if s = strings.TrimSpace(s); !isText || s == "" {
			r.wrong(at, fmt.Sprintf("found %s at place %d", kindOf(element), i), "want texts that are not empty")
			return nil
		}
		all = append(all, s)
	}
	return all
}

// pairs reads source columns with their destination columns, in the order of
// their names: a file's own order is nothing that a comparison may hang on.
func (r *reader) pairs(key string) []job.ColumnPair {
	v, at, ok := r.find(key)
	if !ok {
		return nil
	}
	columns, isSection := v.(map[string]any)
	if !isSection {
		columns = map[string]any{}
		for _, name := range r.texts(key) {
			columns[name] = name
		}
	}
	var all []job.ColumnPair
	for _, source := range slices.Sorted(maps.Keys(columns)) {
		destination, isText := asText(columns[source])
		if !isText || source == "" || destination == "" {
			r.wrong(at, "found "+kindOf(columns[source])+" for a column", "want source column: destination column")
			return nil
		}
		all = append(all, job.ColumnPair{Source: source, Destination: destination})
	}
	return all
}

// placeholder is ${NAME}; $${ stands for the two characters ${.
var placeholder = regexp.MustCompile(`\$?\$\{[^}]*\}?`)

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// secret reads a text that is never shown, with ${NAME} from the environment.
func (r *reader) secret(key string) job.Secret {
	v, at, ok := r.find(key)
	if !ok {
		return job.Secret{}
	}
	s, isText := asText(v)
	if !isText {
		r.wrong(at, "found "+kindOf(v), "want a text")
		return job.Secret{}
	}
	return r.expand(s, at)
}

func (r *reader) expand(s, at string) job.Secret {
	return job.NewSecret(placeholder.ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasPrefix(found, "$$") {
			return found[1:]
		}
		name := strings.TrimSuffix(strings.TrimPrefix(found, "${"), "}")
		switch value, defined := r.environ[name]; {
		case !variable.MatchString(name) || !strings.HasSuffix(found, "}"):
			r.wrong(at, "found ${ without the name of a variable", "want ${NAME}, or $${ for the characters themselves")
		case !defined:
			r.wrong(at, "found ${"+name+"}, which is not in the environment", "want a variable that is set")
		default:
			return value
		}
		return ""
	}))
}

// maxSecretFile is far above any DSN and below anything that would hurt.
const maxSecretFile = 64 << 10

// secretFile reads a secret that stands alone in a file.
func (r *reader) secretFile(key string) job.Secret {
	path := r.text(key)
	if path == "" {
		return job.Secret{}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(r.file), path)
	}
	text, why := readRegular(path, maxSecretFile)
	if why == "" && strings.TrimSpace(string(text)) == "" {
		why = "is empty"
	}
	if why != "" {
		r.wrong(key, "the file "+why, "want a readable file that holds the secret")
		return job.Secret{}
	}
	return job.NewSecret(strings.TrimSpace(string(text)))
}

// readRegular reads a file of at most limit bytes, or says why it cannot be read.
func readRegular(path string, limit int64) (text []byte, why string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, "cannot be read: " + cause(err)
	case info.IsDir():
		return nil, "is a directory"
	case !info.Mode().IsRegular():
		return nil, "is not a regular file"
	case info.Size() > limit:
		return nil, fmt.Sprintf("is larger than %d KB", limit>>10)
	}
	if text, err = os.ReadFile(path); err != nil {
		return nil, "cannot be read: " + cause(err)
	}
	return text, ""
}
