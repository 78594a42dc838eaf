package check

import (
	"cmp"
	"iter"
	"slices"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// suspects are the keys that differ at first sight, each as it was read: two
// spellings of one may be two rows.
type suspects struct {
	most   int               // to remember, so that tables with little in common need no more memory
	known  map[diff.Key]Kind // what each looks like
	beyond map[Kind]uint64   // those that found no room
}

// suspect is a remark as the state keeps it.
type suspect struct {
	Key  []byte `json:"key"`
	Kind Kind   `json:"kind"`
}

// add takes a key in.
func (s *suspects) add(key diff.Key, kind Kind) {
	if _, known := s.known[key]; known {
		return
	}
	if len(s.known) >= s.most {
		s.beyond[kind]++
		return
	}
	s.known[key] = kind
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
	for key, kind := range s.known {
		all = append(all, suspect{[]byte(key), kind})
	}
	return all
}

// remark is a suspect among others. Family is what it shares with those that a
// collation may hold for the same.
type remark struct {
	key    diff.Key
	family string
	kind   Kind
}

// sorted is every suspect by its key, with those of its family behind it.
func (s *suspects) sorted(family func(diff.Key) string) []remark {
	all := make([]remark, 0, len(s.known))
	for key, kind := range s.known {
		all = append(all, remark{key, family(key), kind})
	}
	slices.SortFunc(all, func(a, b remark) int { return cmp.Compare(a.key, b.key) })
	first := make(map[string]int, len(all))
	for i, r := range all {
		if _, known := first[r.family]; !known {
			first[r.family] = i
		}
	}
	slices.SortStableFunc(all, func(a, b remark) int { return first[a.family] - first[b.family] })
	return all
}

// pages cuts sorted suspects into pages of about n, which never part a family:
// such rows can only be judged together.
func pages(sorted []remark, n func() int) iter.Seq[[]diff.Key] {
	return func(yield func([]diff.Key) bool) {
		for len(sorted) > 0 {
			end := min(max(n(), 1), len(sorted))
			for end < len(sorted) && sorted[end].family == sorted[end-1].family {
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
