package worker

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Slots bound the ranges that one process compares at once, over all its jobs.
type Slots struct {
	free *semaphore.Weighted
	all  int64
}

// NewSlots gives room for n ranges, at least one.
func NewSlots(n int) *Slots {
	all := int64(max(n, 1))
	return &Slots{free: semaphore.NewWeighted(all), all: all}
}

// take waits for one slot; give gives it back.
func (s *Slots) take(ctx context.Context) error { return s.free.Acquire(ctx, 1) }

func (s *Slots) give() { s.free.Release(1) }

// takeAll gives a slot back and waits for all: who holds one while it waits for the
// others would wait for ever beside another who does the same. After an error none is held.
func (s *Slots) takeAll(ctx context.Context) error {
	s.give()
	return s.free.Acquire(ctx, s.all)
}

func (s *Slots) giveAll() { s.free.Release(s.all) }
