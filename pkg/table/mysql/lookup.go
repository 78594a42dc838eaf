package mysql

import (
	"cmp"
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

func newKeyedLookup(source *Source, destination *Destination, strong bool) keyedLookup {
	var k keyedLookup
	k.source, k.destination, k.why = hashings(source.fields, destination.fields, destination.relation, strong)
	if k.why == "" {
		k.why = cmp.Or(source.schema.unhashed, destination.schema.unhashed, unmatchable(source.by, destination.by))
	}
	return k
}

// Hashable reports whether ranges compare with this destination by hashes. If
// not, why says to people what is in the way, and rows have to be compared.
func (d *Destination) Hashable() (ok bool, why string) { return d.lookup.why == "", d.lookup.why }

// errNotHashable is a caller's mistake.
var errNotHashable = errors.New("the rows have no hashes that equal rows share")

// PageHashes is Page with hashes in the place of rows: those for the n-th
// destination, with the rows' scan keys.
func (s *Source) PageHashes(ctx context.Context, r job.Range, n, limit int) (rows []diff.Hashed, next job.Point, more bool, err error) {
	lookup := s.lookups[n]
	if lookup.why != "" {
		return nil, job.Point{}, false, errNotHashable
	}
	read, next, more, err := s.pages(ctx, r, limit, lookup.source.listed()...)
	if err != nil {
		return nil, job.Point{}, false, err
	}
	return hashedRows(read), next, more, nil
}

// LookupHashes is Lookup with hashes in the place of rows.
func (d *Destination) LookupHashes(ctx context.Context, keys []diff.Key) ([]diff.Hashed, error) {
	if d.lookup.why != "" {
		return nil, errNotHashable
	}
	return d.finder().hashes(ctx, d.lookup.destination, keys)
}

// LookupHashes is Lookup with hashes in the place of rows: those for the n-th
// destination, with the rows' scan keys.
func (s *Source) LookupHashes(ctx context.Context, n int, keys []string) ([]diff.Hashed, error) {
	lookup := s.lookups[n]
	if lookup.why != "" {
		return nil, errNotHashable
	}
	read, err := s.scanned().rows(ctx, append([]string{s.key.quoted()}, lookup.source.listed()...), diff.Keys(keys))
	if err != nil {
		return nil, err
	}
	return hashedRows(read), nil
}

// hashedRows takes the scan key, the key and the hash of each row.
func hashedRows(read [][]diff.Value) []diff.Hashed {
	rows := make([]diff.Hashed, len(read))
	for i, values := range read {
		last := len(values) - 1
		key, ok := diff.NewKey(values[1:last]...)
		hash, err := strconv.ParseUint(string(values[last]), 10, 64)
		rows[i] = diff.Hashed{Row: string(values[0]), Key: key, Null: !ok, Hash: hash, Unhashed: !ok || err != nil}
	}
	return rows
}
