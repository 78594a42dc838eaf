package check

import (
	"sync"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// buffers are slices of marks that are used again: to grow new ones for every
// stretch was a quarter of the process' time.
type buffers struct {
	mu   sync.Mutex
	free [][]diff.Mark
}

// get is an empty slice.
func (b *buffers) get() []diff.Mark {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.free)
	if n == 0 {
		return nil
	}
	last := b.free[n-1]
	b.free = b.free[:n-1]
	return last[:0]
}

// put gives slices back that nobody looks at any more.
func (b *buffers) put(all ...[]diff.Mark) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, all...)
}
