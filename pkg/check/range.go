package check

import (
	"context"
	"fmt"
	"math"
	"math/big"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Stretch is what one look at a part of two tables has found.
type Stretch struct {
	Rows     uint64   // of the source
	Suspects []string // keys of the source that have no copy, several, or one with another hash
}

// Range compares the keys (after, upto] of a RangeChecksum pair, about rows of
// them, without reading anything again. after may be open. Rows that only the
// destination has are left out.
func Range(ctx context.Context, p Pair, after, upto job.Point, rows int) (Stretch, error) {
	if p.Strategy != RangeChecksum {
		return Stretch{}, fmt.Errorf("compare a range of %s with %s: they are compared by %s", p.Job, p.Destination, p.Strategy)
	}
	c := &comparison{pair: p, limits: defaultLimits, state: &State{}}
	c.calm.Store(true)
	c.limits.suspects = math.MaxInt // the range bounds them; one that is only counted would be lost
	c.state.open(p.Relation.Same, c.limits.suspects)
	if after.Open() {
		first, found, err := p.Source.Step(ctx, after, upto, 1)
		if err != nil || !found {
			return Stretch{}, err
		}
		n, ok := number(first)
		if !ok {
			return Stretch{}, fmt.Errorf("compare a range of %s with %s: its keys are no whole numbers", p.Job, p.Destination)
		}
		after = keyPoint(new(big.Int).Sub(n, one))
	}
	found, err := c.compareRange(ctx, stretch{after: after, upto: upto, rows: rows})
	if err != nil {
		return Stretch{}, err
	}
	s := Stretch{Rows: found.source.rows}
	for _, suspect := range c.state.suspects.sorted() {
		if suspect.kind != Extra {
			s.Suspects = append(s.Suspects, string(suspect.key))
		}
	}
	return s, nil
}
