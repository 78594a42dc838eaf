package plan

import (
	"context"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// fewestParts is how many parts a range of enough rows is divided into at
	// least; there are fewer than four times as many.
	fewestParts = 16
	// growth is by how much the guess at a range's rows grows until it is too large.
	growth = 4
	// mostRows ends the guessing: the index walks over as many entries.
	mostRows = 1 << 22
)

// Split divides a range into 16 to 64 parts of about as many rows each, or one
// part for each row when it has fewer. The parts follow each other and cover the
// range, rows that appear meanwhile included. One part means that it cannot be divided.
func Split(ctx context.Context, index Index, r job.Range) ([]job.Range, error) {
	rows := 0 // at least so many, and fewer than growth times as many
	for n := 1; n <= mostRows; n *= growth {
		_, found, err := index.Step(ctx, r.Scan, r.After, r.UpTo, n)
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		rows = n
	}
	var parts []job.Range
	rest := r
	for size := max(rows/fewestParts, 1); len(parts) < growth*fewestParts-1; {
		end, found, err := index.Step(ctx, r.Scan, rest.After, r.UpTo, size)
		if err != nil {
			return nil, err
		}
		if !found || end.String() == r.UpTo.String() {
			break
		}
		part := rest
		part.UpTo, rest.After = end, end
		parts = append(parts, part)
	}
	return append(parts, rest), nil
}
