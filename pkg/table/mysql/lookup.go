package mysql

import (
	"context"
	"errors"
	"strconv"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// keyedLookup is how ranges of a source compare with one destination by hashes.
type keyedLookup struct {
	source, destination hashing
	why                 string // there are no hashes; "" when there are
}

func newKeyedLookup(source *Source, destination *Destination) keyedLookup {
	var k keyedLookup
	k.source, k.destination, k.why = hashings(source.fields, destination.fields, destination.relation, false)
	if k.why == "" {
		k.why = unmatchable(source.fields[destination.relation.BySource].column, destination.fields[destination.relation.ByDestination].column)
	}
	return k
}

// Hashable reports whether ranges compare with this destination by hashes. If
// not, why says to people what is in the way, and rows have to be compared.
func (d *Destination) Hashable() (ok bool, why string) { return d.lookup.why == "", d.lookup.why }

// errNotHashable is a caller's mistake.
var errNotHashable = errors.New("the rows have no hashes that equal rows share")

// PageHashes is Page with hashes in the place of rows: each row has its scan key
// and, as the one of its Values, the byColumn in the form of Hashed.Key. The
// hashes are those for the n-th destination, nil for a row that the server could
// not hash.
func (s *Source) PageHashes(ctx context.Context, r job.Range, n, limit int) (rows []diff.Row, hashes []*uint64, next job.Point, more bool, err error) {
	lookup := s.lookups[n]
	if lookup.why != "" {
		return nil, nil, job.Point{}, false, errNotHashable
	}
	read, next, more, err := s.pages(ctx, r, limit, lookup.source.key, lookup.source.hash)
	if err != nil {
		return nil, nil, job.Point{}, false, err
	}
	rows, hashes = make([]diff.Row, len(read)), make([]*uint64, len(read))
	for i, values := range read {
		rows[i] = diff.Row{Key: string(values[0]), Values: values[1:2:2]}
		if hash, err := strconv.ParseUint(string(values[2]), 10, 64); err == nil {
			hashes[i] = &hash
		}
	}
	return rows, hashes, next, more, nil
}

// LookupHashes is Lookup with hashes in the place of rows.
func (d *Destination) LookupHashes(ctx context.Context, by []diff.Value) ([]diff.Hashed, error) {
	if d.lookup.why != "" {
		return nil, errNotHashable
	}
	return d.finder().hashes(ctx, d.lookup.destination, by)
}
