package mysql

import (
	"strings"
	"time"
)

// Kind is what a query is for; there are few, so that they can be told apart in a metric.
type Kind string

// The kinds of queries.
const (
	KindFold   Kind = "fold"   // aggregates over ranges
	KindHash   Kind = "hash"   // hashes of rows, by key
	KindList   Kind = "list"   // hashes of the rows of a range, with or without their keys
	KindPage   Kind = "page"   // rows of a range
	KindLookup Kind = "lookup" // rows by key
	KindBounds Kind = "bounds" // where a scan stands: greatest key, clock, steps through an index
	KindOther  Kind = "other"  // schema, counts, probes
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{KindFold, KindHash, KindList, KindPage, KindLookup, KindBounds, KindOther}
}

// operations say of which kind an operation is, by how its name begins.
var operations = []struct {
	begins string
	kind   Kind
}{
	{"fold rows", KindFold}, {"read hashes", KindHash}, {"hash a row", KindHash}, {"list rows", KindList}, {"read a page", KindPage},
	{"read rows", KindLookup}, {"read shared keys", KindLookup}, {"read bounds", KindBounds}, {"step through", KindBounds}, {"read the end", KindBounds},
	{"read the newest update", KindBounds}, {"read the clock", KindBounds}, {"look at bounds", KindBounds},
}

func kindOf(operation string) Kind {
	for _, o := range operations {
		if strings.HasPrefix(operation, o.begins) {
			return o.kind
		}
	}
	return KindOther
}

// timed tells how long a query took that the server answered, the reading of its rows included.
func (d *Database) timed(operation string, began time.Time) {
	if d.onQuery != nil {
		d.onQuery(kindOf(operation), time.Since(began))
	}
}
