package app

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// RowOptions say which row to look at.
type RowOptions struct {
	Job, Destination string   // names; a destination "" means all
	Key              []string // the scan key, or with ByColumns a value of each byColumn
	ByColumns        bool
}

// RowVerdict is what the reading of a row's two sides has shown.
type RowVerdict string

// The verdicts.
const (
	RowEqual     RowVerdict = "equal"
	RowMissing   RowVerdict = "missing"   // the destination lacks it
	RowDifferent RowVerdict = "different" // other values
	RowRespelled RowVerdict = "respelled" // a row under another spelling of its key
	RowExtra     RowVerdict = "extra"     // the source lacks it
	RowSeveral   RowVerdict = "several"   // a side has several rows with the key
	RowAbsent    RowVerdict = "absent"    // no side has it
)

// RowReport is a row of the source beside what one destination holds of it. It
// holds values: it is for the terminal of whoever asked, and for nothing else.
type RowReport struct {
	Job         string     `json:"job"`
	Destination string     `json:"destination"`
	Verdict     RowVerdict `json:"verdict,omitempty"`
	// Unknown says that without a row of the source nobody can tell which of the destination's belonged to the key.
	Unknown bool        `json:"destination_unknown,omitempty"`
	Note    string      `json:"note,omitempty"`
	Error   string      `json:"error,omitempty"` // why it could not be read; then there is nothing more
	Columns []RowColumn `json:"columns,omitempty"`
}

// RowColumn is a column that is compared, with its values in the rows of each side.
type RowColumn struct {
	Source       string     `json:"source"`
	Destination  string     `json:"destination"`
	Differs      bool       `json:"differs"`
	Overlooked   bool       `json:"overlooked"` // it differs, and only an option of the column holds it for equal
	Sources      []RowValue `json:"source_values"`
	Destinations []RowValue `json:"destination_values"`
}

// RowValue is one value, nil for NULL.
type RowValue diff.Value

// String shows the value so that blanks, NULL and bytes can be told apart.
func (v RowValue) String() string {
	switch {
	case v == nil:
		return "NULL"
	case !utf8.Valid(v):
		return "0x" + hex.EncodeToString(v)
	default:
		return strconv.Quote(string(v))
	}
}

// MarshalJSON writes a text, null, or {"hex": …} for bytes that are no text.
func (v RowValue) MarshalJSON() ([]byte, error) {
	switch {
	case v == nil:
		return []byte("null"), nil
	case !utf8.Valid(v):
		return json.Marshal(map[string]string{"hex": hex.EncodeToString(v)})
	default:
		return json.Marshal(string(v))
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *RowValue) UnmarshalJSON(text []byte) error {
	var bytes struct {
		Hex string `json:"hex"`
	}
	var plain *string
	if json.Unmarshal(text, &bytes) == nil && text[0] == '{' {
		read, err := hex.DecodeString(bytes.Hex)
		*v = read
		return err
	}
	if err := json.Unmarshal(text, &plain); err != nil || plain == nil {
		*v = nil
		return err
	}
	*v = RowValue(*plain)
	return nil
}

// LookAtRow reads one row at the source and at each destination, and compares
// them as the workers do. It needs no Redis.
func LookAtRow(ctx context.Context, c *config.Config, o RowOptions) ([]RowReport, error) {
	jobs, err := chosen(c, CheckOptions{Job: o.Job, Destination: o.Destination})
	if err != nil {
		return nil, err
	}
	j := jobs[0]
	wanted := 1
	if o.ByColumns {
		wanted = len(j.Source.ByColumns)
	}
	if len(o.Key) != wanted {
		return nil, fmt.Errorf("%w: %d key values, want %d: with --by-column one for each of %s, else the scan key",
			ErrConfig, len(o.Key), wanted, strings.Join(j.Source.ByColumns, ", "))
	}
	var reports []RowReport
	for _, d := range j.Destinations {
		one := j // each destination by itself: one that is down hides no other
		one.Destinations = []job.Destination{d}
		r, err := lookAtRow(ctx, one, o)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			r.Error = err.Error()
		}
		r.Job, r.Destination = j.Name, d.Name
		reports = append(reports, r)
	}
	return reports, nil
}

// lookAtRow looks at the only destination of j.
func lookAtRow(ctx context.Context, j job.Job, o RowOptions) (RowReport, error) {
	const connections = 2
	plan, opened, err := inspect(ctx, j, mysql.Options{MaxOpen: connections})
	if err != nil {
		return RowReport{}, err
	}
	defer opened.close(discard)
	source, destination := plan.Source, plan.Destinations[0]
	sources, keys, known, err := sourceRows(ctx, source, destination.Relation(), o)
	if err != nil {
		return RowReport{}, err
	}
	copies, err := destination.Lookup(ctx, keys)
	if err != nil {
		return RowReport{}, err
	}
	shared, err := source.Shared(ctx, sources)
	if err != nil {
		return RowReport{}, err
	}
	r := judge(destination.Relation(), j.Destinations[0], sources, copies, len(shared) > 0)
	r.Unknown = !known
	if r.Verdict != RowEqual && r.Verdict != RowDifferent && (j.Source.Where != "" || j.Destinations[0].Where != "") {
		r.Note = "rows that do not meet the job's where count as not there"
	}
	return r, nil
}

// sourceRows reads the row that is asked for, and what relates it to a
// destination: nothing does for a row without a key. known is false when there is
// no row that would tell.
func sourceRows(ctx context.Context, source *mysql.Source, relation diff.Relation, o RowOptions) (rows []diff.Row, keys []diff.Key, known bool, err error) {
	if o.ByColumns {
		values := make([]diff.Value, len(o.Key))
		for i, text := range o.Key {
			values[i] = diff.Value(text)
		}
		key, _ := diff.NewKey(values...)
		keys = []diff.Key{key}
		rows, err = source.LookupBy(ctx, keys)
		return own(relation, key, rows, relation.SourceKey), keys, true, err
	}
	if _, whole := new(big.Int).SetString(o.Key[0], 10); source.NumericKey() && !whole {
		return nil, nil, false, fmt.Errorf("%w: the scan key %s is a whole number", ErrConfig, source.ScanKey())
	}
	if rows, err = source.Lookup(ctx, o.Key, false); err != nil {
		return nil, nil, false, err
	}
	if len(rows) == 0 {
		if len(relation.By) == 1 && relation.By[0].Name == source.ScanKey() {
			return nil, []diff.Key{diff.Key(o.Key[0])}, true, nil
		}
		return nil, nil, false, nil
	}
	if key, ok := relation.SourceKey(rows[0]); ok {
		keys = []diff.Key{key}
	}
	return rows, keys, true, nil
}

// judge compares what was read.
func judge(relation diff.Relation, d job.Destination, sources, copies []diff.Row, shared bool) RowReport {
	var r RowReport
	var differing, strictly []string
	switch {
	case len(sources) == 0 && len(copies) == 0:
		return RowReport{Verdict: RowAbsent}
	case len(sources) == 0:
		r.Verdict = RowExtra
	default:
		outcome := relation.Compare(sources, copies)[0]
		r.Verdict, differing = verdicts[outcome.Verdict], outcome.Columns
		strictly = relation.Strict().Compare(sources, copies)[0].Columns
		if len(sources) > 1 || shared {
			r.Verdict = RowSeveral
		}
		if key, ok := relation.SourceKey(sources[0]); ok {
			copies = own(relation, key, copies, relation.DestinationKey)
		}
	}
	columns := named(relation, d)
	for _, c := range columns {
		column := RowColumn{Source: c.pair.Name, Destination: c.destination, Differs: slices.Contains(differing, c.pair.Name)}
		column.Overlooked = !column.Differs && slices.Contains(strictly, c.pair.Name)
		for _, row := range sources {
			column.Sources = append(column.Sources, RowValue(row.Values[c.pair.Source]))
		}
		for _, row := range copies {
			column.Destinations = append(column.Destinations, RowValue(row.Values[c.pair.Destination]))
		}
		r.Columns = append(r.Columns, column)
	}
	return r
}

var verdicts = map[diff.Verdict]RowVerdict{
	diff.Equal: RowEqual, diff.Missing: RowMissing, diff.Different: RowDifferent, diff.Respelled: RowRespelled, diff.Several: RowSeveral,
}

// own are the rows with that very key, where there are any: a server also finds
// those that only its collation holds for equal.
func own(relation diff.Relation, key diff.Key, rows []diff.Row, of func(diff.Row) (diff.Key, bool)) []diff.Row {
	exact := slices.DeleteFunc(slices.Clone(rows), func(row diff.Row) bool {
		k, ok := of(row)
		return !ok || relation.Same(k) != relation.Same(key)
	})
	if len(exact) > 0 {
		return exact
	}
	return rows
}

type namedPair struct {
	pair        diff.Pair
	destination string
}

// named are the pairs of a relation with both names, the byColumns first.
func named(relation diff.Relation, d job.Destination) (all []namedPair) {
	for i, pair := range relation.By {
		all = append(all, namedPair{pair, d.ByColumns[i]})
	}
	columns := d.Columns
	for _, pair := range relation.Pairs {
		at := slices.IndexFunc(columns, func(c job.ColumnPair) bool { return strings.EqualFold(c.Source, pair.Name) })
		if at < 0 {
			continue
		}
		name := columns[at].Destination
		columns = columns[at+1:]
		known := slices.ContainsFunc(all, func(n namedPair) bool {
			return n.pair.Source == pair.Source && n.pair.Destination == pair.Destination
		})
		if !known {
			all = append(all, namedPair{pair, name})
		}
	}
	return all
}
