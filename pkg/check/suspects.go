package check

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// suspects are the keys that differ at first sight.
type suspects struct {
	most   int               // to remember, so that tables with little in common need no more memory
	known  map[string]remark // by what spellings of a key have in common
	beyond map[Kind]uint64   // those that found no room
}

// remark is what a suspect looks like.
type remark struct {
	key  diff.Key // as it was read
	kind Kind
}

// suspect is a remark as the state keeps it.
type suspect struct {
	Key  []byte `json:"key"`
	Kind Kind   `json:"kind"`
}

// add takes a key in. same is what all its spellings have in common.
func (s *suspects) add(same string, key diff.Key, kind Kind) {
	if _, known := s.known[same]; known {
		return
	}
	if len(s.known) >= s.most {
		s.beyond[kind]++
		return
	}
	if end, shared := strings.CutSuffix(same, string(key)); shared {
		key = diff.Key(same[len(end):]) // mostly: saves a copy of every key
	}
	s.known[same] = remark{key, kind}
}

func (s *suspects) count() uint64 {
	n := uint64(len(s.known))
	for _, more := range s.beyond {
		n += more
	}
	return n
}

func (s *suspects) all() []suspect {
	all := make([]suspect, 0, len(s.known))
	for _, r := range s.known {
		all = append(all, suspect{[]byte(r.key), r.kind})
	}
	return all
}

// sorted is every suspect, those that a collation may hold for one side by side.
func (s *suspects) sorted() []remark {
	all := make([]remark, 0, len(s.known))
	for _, r := range s.known {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b remark) int {
		if c := strings.Compare(folded(a.key), folded(b.key)); c != 0 {
			return c
		}
		return cmp.Compare(a.key, b.key)
	})
	return all
}

// folded is the same for keys that differ in case and trailing spaces only.
func folded(key diff.Key) string { return strings.ToLower(strings.TrimRight(string(key), " ")) }

// pages cuts sorted suspects into pages of about n, which never part keys that a
// collation may hold for one: such rows can only be judged together.
func pages(sorted []remark, n func() int) iter.Seq[[]diff.Key] {
	return func(yield func([]diff.Key) bool) {
		for len(sorted) > 0 {
			end := min(max(n(), 1), len(sorted))
			for end < len(sorted) && folded(sorted[end].key) == folded(sorted[end-1].key) {
				end++
			}
			page := make([]diff.Key, end)
			for i, r := range sorted[:end] {
				page[i] = r.key
			}
			if !yield(page) {
				return
			}
			sorted = sorted[end:]
		}
	}
}
