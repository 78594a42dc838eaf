package worker

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// keeper extends the leases of items in work, as long as they make progress:
// an item that hangs is left to the end of its lease and to another worker.
type keeper struct {
	lease  time.Duration
	extend func(ctx context.Context, leases map[string]string) (lost []string, err error)
	log    *slog.Logger

	mu    sync.Mutex
	holds map[string]*hold
}

// hold is one leased item.
type hold struct {
	id, token string
	// trusted is until when the lease is surely this worker's: counted from
	// before the request that took or extended it was sent.
	trusted time.Time
	moved   time.Time // when it last made progress
	waits   bool      // it waits for its turn, through no fault of its own
	lose    context.CancelFunc
}

func newKeeper(lease time.Duration, log *slog.Logger, extend func(context.Context, map[string]string) ([]string, error)) *keeper {
	return &keeper{lease: lease, extend: extend, log: log, holds: map[string]*hold{}}
}

// keep begins to look after an item that was leased by a request sent at asked.
// lose is called when the lease turns out to be somebody else's.
func (k *keeper) keep(id, token string, asked time.Time, lose context.CancelFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.holds[id] = &hold{id: id, token: token, trusted: asked.Add(k.lease), moved: time.Now(), lose: lose}
}

// drop ends the care for an item, unless it has been leased anew under another token.
func (k *keeper) drop(id, token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h := k.holds[id]; h != nil && h.token == token {
		delete(k.holds, id)
	}
}

// progress notes that an item has moved.
func (k *keeper) progress(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h := k.holds[id]; h != nil {
		h.moved = time.Now()
	}
}

// wait notes that an item waits for its turn until done is called: its lease is extended meanwhile.
func (k *keeper) wait(id string) (done func()) {
	set := func(waits bool) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if h := k.holds[id]; h != nil {
			h.waits, h.moved = waits, time.Now()
		}
	}
	set(true)
	return func() { set(false) }
}

// outlasts says whether an item's lease surely lasts for d from now.
func (k *keeper) outlasts(id, token string, d time.Duration) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.holds[id]
	return h != nil && h.token == token && time.Now().Add(d).Before(h.trusted)
}

// count is the number of items in work.
func (k *keeper) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.holds)
}

// run extends leases at a third of their time until ctx ends.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(k.lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.extendAll(ctx)
		}
	}
}

func (k *keeper) extendAll(ctx context.Context) {
	leases := k.moving()
	if len(leases) == 0 {
		return
	}
	asked := time.Now()
	lost, err := k.extend(ctx, leases)
	if err != nil {
		if ctx.Err() == nil {
			k.log.Warn("leases were not extended", "items", len(leases), "error", err)
		}
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range lost {
		if h := k.holds[id]; h != nil && h.token == leases[id] {
			k.log.Warn("a lease was lost, another worker goes on", "id", id)
			h.lose()
			delete(k.holds, id)
			delete(leases, id)
		}
	}
	for id, token := range leases {
		if h := k.holds[id]; h != nil && h.token == token {
			h.trusted = asked.Add(k.lease)
		}
	}
}

// moving are the leases that made progress within the last lease, or wait for their turn.
func (k *keeper) moving() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	leases := make(map[string]string, len(k.holds))
	for id, h := range k.holds {
		if h.waits || time.Since(h.moved) < k.lease {
			leases[id] = h.token
		}
	}
	return leases
}
