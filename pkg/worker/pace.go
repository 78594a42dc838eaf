package worker

import (
	"sync"
	"time"
)

// batchTime is about how long the POSTs of one batch take. What a worker has leased
// for a slow receiver others cannot send, and has to wait for the end of the lease if
// that worker dies.
const batchTime = 500 * time.Millisecond

// pace is how fast a deliverer gets on.
type pace struct {
	mu    sync.Mutex
	known bool
	each  time.Duration // that POSTs take of a callback; those that need none count
}

// note adds what a batch has cost.
func (p *pace) note(callbacks int, cost time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	each := cost / time.Duration(max(callbacks, 1))
	if p.known {
		each = (p.each + each) / 2
	}
	p.known, p.each = true, each
}

// batch is how many callbacks are worth leasing together, with so many POSTs at once.
func (p *pace) batch(atOnce int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.known:
		return min(2*atOnce, leaseBatch)
	case p.each == 0:
		return leaseBatch
	default:
		return min(max(int(time.Duration(atOnce)*batchTime/p.each), atOnce), leaseBatch)
	}
}
