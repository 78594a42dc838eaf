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

// half is a row without its partner.
type half struct {
	hash   uint64
	hashed bool // false: the server could not hash it
	kind   Kind // what it is if no partner comes: Missing or Extra
}

func newJoin(found func(diff.Key, Kind)) *join {
	return &join{found: found, open: map[diff.Key]half{}}
}

// add takes rows of one side. A key that comes twice from one side is reported;
// so is a row that could not be hashed. Rows without a key have no partner and
// are counted elsewhere.
func (j *join) add(rows []diff.Hashed, alone Kind) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, row := range rows {
		if row.Null {
			continue
		}
		mine := half{kind: alone}
		if row.Hash != nil {
			mine.hash, mine.hashed = *row.Hash, true
		}
		other, known := j.open[row.Key]
		switch {
		case !known:
			j.open[row.Key] = mine
			continue
		case other.kind == mine.kind:
			j.found(row.Key, Several)
			continue
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
		j.found(key, h.kind)
	}
	clear(j.open)
}
