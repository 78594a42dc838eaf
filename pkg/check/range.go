package check

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"sync/atomic"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Stretch is what one look at a part of two tables has found.
type Stretch struct {
	Rows     uint64   // of the source
	Suspects []string // keys of the source that have no copy, several, or one with another hash
}

// Ranges compares one range after the other, or several at once, of a
// RangeChecksum pair.
type Ranges struct {
	pair Pair
	calm *atomic.Bool // as a comparison's, over all ranges
}

// NewRanges refuses a pair that is compared in another way.
func NewRanges(p Pair) (*Ranges, error) {
	if p.Strategy != RangeChecksum {
		return nil, fmt.Errorf("compare a range of %s with %s: they are compared by %s", p.Job, p.Destination, p.Strategy)
	}
	return &Ranges{pair: p, calm: newCalm()}, nil
}

// Compare compares the keys (after, upto], about rows of them, without reading
// anything again. after may be open. Rows that only the destination has are left
// out.
func (r *Ranges) Compare(ctx context.Context, after, upto job.Point, rows int) (Stretch, error) {
	c := &comparison{pair: r.pair, limits: defaultLimits, state: &State{}, calm: r.calm}
	c.limits.suspects = math.MaxInt // the range bounds them; one that is only counted would be lost
	c.state.open(c.limits.suspects)
	if after.Open() {
		first, found, err := r.pair.Source.Step(ctx, after, upto, 1)
		if err != nil || !found {
			return Stretch{}, err
		}
		n, ok := first.Integer()
		if !ok {
			return Stretch{}, fmt.Errorf("compare a range of %s with %s: its keys are no whole numbers", r.pair.Job, r.pair.Destination)
		}
		after = keyPoint(new(big.Int).Sub(n, one))
	}
	found, err := c.compareRange(ctx, stretch{after: after, upto: upto, rows: rows})
	if err != nil {
		return Stretch{}, err
	}
	s := Stretch{Rows: found.source.rows}
	for _, suspect := range c.state.suspects.sorted(r.pair.Relation.Folded) {
		if suspect.kind != Extra {
			s.Suspects = append(s.Suspects, string(suspect.key))
		}
	}
	return s, nil
}
