package check

import (
	"math"
	"math/big"
	"slices"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// hopeless is the share of differing buckets, one in so many, above which a
// stretch is listed whole: the gaps would cost more ranges than they save rows.
const hopeless = 3

// look is a stretch of keys, (after, upto], that is to be looked at closer.
type look struct {
	after, upto *big.Int
	rows        uint64 // of the larger side
}

// width is the number of keys.
func (l look) width() uint64 {
	n := new(big.Int).Sub(l.upto, l.after)
	if !n.IsUint64() {
		return math.MaxUint64
	}
	return n.Uint64()
}

// bucketWidth is how many keys share a bucket of about so many rows.
func bucketWidth(s stretch, rows int) uint64 {
	width := mustWidth(s)
	width.Div(width, big.NewInt(int64(max(s.rows/rows, 1))))
	if !width.IsInt64() {
		return math.MaxInt64
	}
	return max(width.Uint64(), 1)
}

// closer is where to look closer in a stretch, in the order of keys: at the
// buckets that differ, or at all of them when those are many.
func closer(source, target []diff.Bucket, s stretch, width uint64) []look {
	partners := make(map[uint64]diff.Bucket, len(target))
	for _, b := range target {
		partners[b.ID] = b
	}
	var differing, equal [][2]diff.Bucket
	for _, a := range source {
		b := partners[a.ID]
		delete(partners, a.ID)
		if a.Equal(b) {
			equal = append(equal, [2]diff.Bucket{a, b})
		} else {
			differing = append(differing, [2]diff.Bucket{a, b})
		}
	}
	for _, b := range partners {
		differing = append(differing, [2]diff.Bucket{b, {}})
	}
	if len(differing)*hopeless > len(differing)+len(equal) {
		differing = append(differing, equal...)
	}
	looks := make([]look, len(differing))
	for i, pair := range differing {
		looks[i] = lookAt(pair[0], pair[1], s, width)
	}
	slices.SortFunc(looks, func(a, b look) int { return a.after.Cmp(b.after) })
	return looks
}

// lookAt finds the keys of a bucket, within the stretch. DIV cuts towards zero,
// so the bucket 0 reaches to both sides of it.
func lookAt(a, b diff.Bucket, s stretch, width uint64) look {
	low, _ := number(s.after)
	high, _ := number(s.upto)
	n := bucketNumber(a.ID, high)
	w := new(big.Int).SetUint64(width)
	after, upto := new(big.Int).Mul(n, w), new(big.Int).Mul(n, w)
	if n.Sign() <= 0 {
		after.Sub(after, w)
	} else {
		after.Sub(after, one)
	}
	if n.Sign() >= 0 {
		upto.Add(upto, w).Sub(upto, one)
	}
	return look{after: greater(after, low), upto: lesser(upto, high), rows: max(a.Rows, b.Rows)}
}

// bucketNumber reads a bucket's id as the server meant it: signed, unless the
// keys lie beyond what a signed number holds.
func bucketNumber(id uint64, high *big.Int) *big.Int {
	if high.Sign() > 0 && !high.IsInt64() {
		return new(big.Int).SetUint64(id)
	}
	return big.NewInt(int64(id))
}

// portion collects what one query lists.
type portion struct {
	limits limits
	ranges [][2]job.Point
	rows   uint64
	end    *big.Int
}

// add takes a look in, into the range before it if they touch; false when the portion is full.
func (p *portion) add(l look) bool {
	touches := p.end != nil && p.end.Cmp(l.after) == 0
	if len(p.ranges) > 0 && (p.rows+l.rows > uint64(p.limits.portionRows) || !touches && len(p.ranges) == p.limits.portionRanges) {
		return false
	}
	p.rows += l.rows
	p.end = l.upto
	if touches {
		p.ranges[len(p.ranges)-1][1] = keyPoint(l.upto)
		return true
	}
	p.ranges = append(p.ranges, [2]job.Point{reachable(keyPoint(l.after)), keyPoint(l.upto)})
	return true
}

func keyPoint(n *big.Int) job.Point { return job.KeyPoint(n.String()) }

func lesser(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func greater(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}
