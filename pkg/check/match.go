package check

import (
	"cmp"
	"slices"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// match compares the marks of both sides and tells of each that has no partner,
// several, or one with another hash, by how far its ID lies beyond base.
func match(base uint64, source, target []diff.Mark, found func(beyond uint64, kind Kind)) {
	sortMarks(base, source)
	sortMarks(base, target)
	for len(source)+len(target) > 0 {
		if n := same(source, target); n > 0 {
			source, target = source[n:], target[n:]
			continue
		}
		id := lower(base, source, target)
		a, b := leading(source, id), leading(target, id)
		switch {
		case a > 1 || b > 1:
			found(id-base, Several)
		case b == 0:
			found(id-base, Missing)
		case a == 0:
			found(id-base, Extra)
		case source[0].Unhashed() || source[0] != target[0]:
			found(id-base, Different)
		}
		source, target = source[a:], target[b:]
	}
}

// same is how many marks are the same on both sides before the first of which
// something is to be told, or that may be.
func same(source, target []diff.Mark) int {
	n := 0
	for last := min(len(source), len(target)) - 1; n < last; n++ {
		if source[n] != target[n] || source[n].Unhashed() || source[n].ID == source[n+1].ID || source[n].ID == target[n+1].ID {
			break
		}
	}
	return n
}

// lower is the ID that comes first in either.
func lower(base uint64, source, target []diff.Mark) uint64 {
	if len(target) == 0 || len(source) > 0 && source[0].ID-base <= target[0].ID-base {
		return source[0].ID
	}
	return target[0].ID
}

// leading is how many marks with an ID come first.
func leading(marks []diff.Mark, id uint64) int {
	n := 0
	for n < len(marks) && marks[n].ID == id {
		n++
	}
	return n
}

// sortMarks costs nothing as a rule: servers give them in the order of their keys.
func sortMarks(base uint64, marks []diff.Mark) {
	order := func(a, b diff.Mark) int { return cmp.Compare(a.ID-base, b.ID-base) }
	if !slices.IsSortedFunc(marks, order) {
		slices.SortFunc(marks, order)
	}
}
