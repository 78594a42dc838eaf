package check

import (
	"cmp"
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

// bucketShift is the size of buckets, as a power of two, so that each holds
// about so many rows or some more.
func bucketShift(s stretch, rows int) int {
	width := mustWidth(s)
	width.Div(width, big.NewInt(int64(max(s.rows/rows, 1))))
	return min(max(width.BitLen()-1, 0), keyBits-1)
}

// keyBits is the size of a key. Stretches of so many bits are one bucket.
const keyBits = 64

// closer is where to look closer in a stretch, in the order of keys: at the
// buckets that differ, or at all of them when those are many.
func closer(source, target []diff.Bucket, s stretch, shift int) []look {
	var differing, equal []diff.Bucket // of the larger side
	sortBuckets(source)
	sortBuckets(target)
	for len(source)+len(target) > 0 {
		var a, b diff.Bucket // without rows where a side has none
		if len(target) == 0 || len(source) > 0 && source[0].ID <= target[0].ID {
			a = source[0]
		}
		if len(source) == 0 || len(target) > 0 && target[0].ID <= source[0].ID {
			b = target[0]
		}
		larger := a
		if b.Rows > a.Rows {
			larger = b
		}
		if a.Equal(b) {
			equal = append(equal, larger)
		} else {
			differing = append(differing, larger)
		}
		source, target = source[min(a.Rows, 1):], target[min(b.Rows, 1):]
	}
	if len(differing)*hopeless > len(differing)+len(equal) {
		differing = append(differing, equal...)
	}
	looks := make([]look, len(differing))
	for i, bucket := range differing {
		looks[i] = lookAt(bucket, s, shift)
	}
	slices.SortFunc(looks, func(a, b look) int { return a.after.Cmp(b.after) })
	return looks
}

// sortBuckets costs little: servers mostly give them in the order of their keys.
func sortBuckets(found []diff.Bucket) {
	slices.SortFunc(found, func(a, b diff.Bucket) int { return cmp.Compare(a.ID, b.ID) })
}

// lookAt finds the keys of a bucket, within the stretch.
func lookAt(bucket diff.Bucket, s stretch, shift int) look {
	low, _ := number(s.after)
	high, _ := number(s.upto)
	first := bucketNumber(bucket.ID<<shift, high)
	behind := new(big.Int).Lsh(one, uint(shift))
	behind.Add(behind, first)
	return look{after: greater(first.Sub(first, one), low), upto: lesser(behind.Sub(behind, one), high), rows: bucket.Rows}
}

// bucketNumber reads a key's bits as the server meant them: signed, unless the
// keys lie beyond what a signed number holds.
func bucketNumber(bits uint64, high *big.Int) *big.Int {
	if high.Sign() > 0 && !high.IsInt64() {
		return new(big.Int).SetUint64(bits)
	}
	return big.NewInt(int64(bits))
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
