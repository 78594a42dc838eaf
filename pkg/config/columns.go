package config

import (
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

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
		pair := job.ColumnPair{Source: source}
		if members, bent := columns[source].(map[string]any); bent && source != "" {
			pair.Destination = source
			columnReader{reader: r, at: at, column: source}.read(&pair, members)
			all = append(all, pair)
			continue
		}
		var isText bool
		pair.Destination, isText = asText(columns[source])
		if !isText || source == "" || pair.Destination == "" {
			r.wrong(at, "found "+kindOf(columns[source])+" for a column", "want source column: destination column, or a section with "+strings.Join(columnKeys, ", "))
			return nil
		}
		all = append(all, pair)
	}
	return all
}

// columnKeys are what a column may say.
var columnKeys = []string{"column", "ignore", "trim", "ignoreCase", "tolerance", "precision", "zone"}

// columnReader reads what is said of one column.
type columnReader struct {
	*reader
	at, column string
}

func (r columnReader) refuse(key, found, allowed string) {
	r.wrong(r.at, "column "+shown(r.column)+": found "+found+" for "+key, allowed)
}

func (r columnReader) read(pair *job.ColumnPair, members map[string]any) {
	o := &pair.Options
	for _, key := range slices.Sorted(maps.Keys(members)) {
		v := members[key]
		if v == nil { // a key without a value is not given
			continue
		}
		switch key {
		case "column":
			pair.Destination = r.text(key, v)
		case "ignore":
			o.Ignore = r.flag(key, v)
		case "trim":
			o.Trim = r.flag(key, v)
		case "ignoreCase":
			o.IgnoreCase = r.flag(key, v)
		case "tolerance":
			o.Tolerance = r.tolerance(key, v)
		case "precision":
			o.Precision = r.precision(key, v)
		case "zone":
			o.Zone = r.zone(key, v)
		default:
			r.wrong(r.at, "column "+shown(r.column)+": unknown key "+shown(key), suggest(key, columnKeys))
		}
	}
	if o.Tolerance != "" && o.Precision != nil {
		r.wrong(r.at, "column "+shown(r.column)+": found tolerance besides precision", "want one of the two")
	}
}

func (r columnReader) text(key string, v any) string {
	s, ok := asText(v)
	if !ok || strings.TrimSpace(s) == "" {
		r.refuse(key, kindOf(v), "want a text that is not empty")
	}
	return s
}

func (r columnReader) flag(key string, v any) bool {
	b, ok := v.(bool)
	if s, isText := v.(string); isText && r.lenient(r.at) {
		parsed, err := strconv.ParseBool(s)
		b, ok = parsed, err == nil
	}
	if !ok {
		r.refuse(key, kindOf(v), "want true or false")
	}
	return b
}

// tolerance is a plain number, or a duration; which of the two, the column says.
func (r columnReader) tolerance(key string, v any) string {
	s, ok := asText(v)
	if !ok {
		s, ok = asNumber(v)
	}
	number, isNumber := new(big.Rat).SetString(s)
	span, err := time.ParseDuration(s)
	plain := isNumber && len(s) < 40 && !strings.ContainsAny(s, "/eEpPxX_")
	isAmount, isSpan := plain && number.Sign() > 0, err == nil && span > 0
	if !ok || !isAmount && !isSpan {
		r.refuse(key, shown(v), "want a number above 0 such as 0.01, or for times a duration such as 2s")
		return ""
	}
	return s
}

func (r columnReader) precision(key string, v any) *int {
	const most = 30 // a DECIMAL has no more behind its point
	s, _ := asText(v)
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > most {
		r.refuse(key, shown(v), "want how many digits behind the point count, 0 to 30")
		return nil
	}
	return &n
}

func (r columnReader) zone(key string, v any) string {
	s := r.text(key, v)
	_, offset := time.Parse("-07:00", s)
	_, named := time.LoadLocation(s)
	if offset != nil && named != nil || strings.EqualFold(s, "Local") {
		r.refuse(key, shown(s), "want an offset such as +08:00 or an IANA name such as Asia/Shanghai")
	}
	return s
}

// asNumber writes a number of a file without an exponent.
func asNumber(v any) (string, bool) {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case number:
		return v.String(), true
	}
	return "", false
}
