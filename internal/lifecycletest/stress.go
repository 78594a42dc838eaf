// Package lifecycletest starts things and ends them at random moments, many times and several at once: what a
// loop does that ends before it began, or in the middle of its first step. With the race detector, and with a
// TestMain that looks for goroutines that are left, it finds what one clean start and stop does not.
package lifecycletest

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// patience is how long an end may take; only one that hangs needs it.
const patience = 2 * time.Minute

// Stress says how often and how long.
type Stress struct {
	Rounds  int           // default 200
	AtOnce  int           // default 8
	Longest time.Duration // that one lives, default 5 ms; some end before they begin
}

// Loop runs a loop that ends with its context. Each round has its own.
func (s Stress) Loop(t testing.TB, run func(ctx context.Context)) {
	t.Helper()
	s.rounds(t, func() func(<-chan struct{}) {
		ctx, cancel := context.WithCancel(context.Background())
		return func(end <-chan struct{}) {
			select {
			case <-end:
				cancel() // surely before it begins
			default:
				go func() { <-end; cancel() }()
			}
			run(ctx)
			<-ctx.Done() // one that ends by itself goes on to the next round at its time, too
		}
	})
}

// StartStop calls start and stop on two goroutines: they meet, and stop may come first.
// stop has to wait for the end of what was started, and is called twice.
func (s Stress) StartStop(t testing.TB, begin func() (start, stop func())) {
	t.Helper()
	s.rounds(t, func() func(<-chan struct{}) {
		start, stop := begin()
		return func(end <-chan struct{}) {
			var starting sync.WaitGroup
			starting.Go(start)
			<-end
			stop()
			starting.Wait()
			stop()
		}
	})
}

// rounds gives each life an end at a random moment and waits for it.
func (s Stress) rounds(t testing.TB, begin func() (life func(end <-chan struct{}))) {
	t.Helper()
	if s.Rounds == 0 {
		s.Rounds = 200
	}
	if s.AtOnce == 0 {
		s.AtOnce = 8
	}
	if s.Longest == 0 {
		s.Longest = 5 * time.Millisecond
	}
	turns := make(chan struct{}, s.AtOnce)
	var all sync.WaitGroup
	for range s.Rounds {
		turns <- struct{}{}
		life := begin()
		all.Go(func() {
			defer func() { <-turns }()
			end := make(chan struct{})
			if lives := rand.N(s.Longest+s.Longest/5) - s.Longest/5; lives > 0 {
				time.AfterFunc(lives, func() { close(end) })
			} else {
				close(end)
			}
			life(end)
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatalf("something that was ended did not end within %s", patience)
	}
}
