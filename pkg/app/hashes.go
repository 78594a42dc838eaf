package app

import (
	"context"

	"github.com/masixun71/cupid-go/pkg/check"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
	"github.com/masixun71/cupid-go/pkg/worker"
)

// hashes compares ranges of the source with its n-th destination.
type hashes struct {
	source      *mysql.Source
	destination *mysql.Destination
	n           int
}

var _ worker.Hashes = hashes{}

// Page is worker.Hashes'.
func (h hashes) Page(ctx context.Context, r job.Range, limit int) ([]diff.Hashed, job.Point, bool, error) {
	return h.source.PageHashes(ctx, r, h.n, limit)
}

// Lookup is worker.Hashes'.
func (h hashes) Lookup(ctx context.Context, keys []diff.Key) ([]diff.Hashed, error) {
	return h.destination.LookupHashes(ctx, keys)
}

// Rehash is worker.Hashes'.
func (h hashes) Rehash(ctx context.Context, keys []string) (rows, copies []diff.Hashed, err error) {
	if rows, err = h.source.LookupHashes(ctx, h.n, keys); err != nil {
		return nil, nil, err
	}
	var related []diff.Key
	for _, row := range rows {
		if !row.Null {
			related = append(related, row.Key)
		}
	}
	copies, err = h.destination.LookupHashes(ctx, related)
	return rows, copies, err
}

// aligned compares ranges of scan keys that the destination has too.
type aligned struct {
	pair   check.Pair
	ranges *check.Ranges
	rows   int // about how many a range has
}

var _ worker.Ranges = aligned{}

// Compare is worker.Ranges'.
func (a aligned) Compare(ctx context.Context, r job.Range) (rows int, suspects []string, err error) {
	found, err := a.ranges.Compare(ctx, r.After, r.UpTo, a.rows)
	return int(found.Rows), found.Suspects, err
}

// Rehash is worker.Ranges'.
func (a aligned) Rehash(ctx context.Context, keys []string) (rows, copies []diff.Hashed, err error) {
	wanted := diff.Keys(keys)
	if rows, err = a.pair.Source.Hashes(ctx, wanted); err != nil {
		return nil, nil, err
	}
	for i := range rows {
		rows[i].Row = string(rows[i].Key)
	}
	copies, err = a.pair.Target.Hashes(ctx, wanted)
	return rows, copies, err
}
