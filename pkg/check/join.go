package check

import (
	"sync"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// join matches the hashed rows of both sides as they come, in any order, and
// holds only those whose partner has not come yet.
type join struct {
	found func(key diff.Key, kind Kind)

	mu   sync.Mutex
	open map[diff.Key]half
}

// half is a row without its partner. Hundreds of thousands of them may wait.
type half struct {
	hash   uint64
	hashed bool // false: the server could not hash it
	extra  bool // it is of the destination
}

// alone is what the row is if no partner comes.
func (h half) alone() Kind {
	if h.extra {
		return Extra
	}
	return Missing
}

func newJoin(found func(diff.Key, Kind)) *join {
	return &join{found: found, open: map[diff.Key]half{}}
}

// of takes rows of one side. A key that comes twice from one side is reported;
// so is a row that could not be hashed. Rows without a key have no partner and
// are counted elsewhere.
func (j *join) of(side string) func(diff.Hashed) {
	extra := side == targetSide
	return func(row diff.Hashed) {
		if row.Null {
			return
		}
		mine := half{hash: row.Hash, hashed: !row.Unhashed, extra: extra}
		j.mu.Lock()
		defer j.mu.Unlock()
		other, known := j.open[row.Key]
		switch {
		case !known:
			j.open[row.Key] = mine
			return
		case other.extra == mine.extra:
			j.found(row.Key, Several)
			return
		case !mine.hashed || !other.hashed || mine.hash != other.hash:
			j.found(row.Key, Different)
		}
		delete(j.open, row.Key)
	}
}

// end reports the rows whose partner never came.
func (j *join) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for key, h := range j.open {
		j.found(key, h.alone())
	}
	clear(j.open)
}
