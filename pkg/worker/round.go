package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Receiver is what all workers together know of a target's receiver: how many
// POSTs it is sent, and whether it is left alone for a while.
type Receiver interface {
	// Enter asks for leave to call: slots POSTs at once, sends in all.
	Enter(ctx context.Context, slots, sends int) (job.Entry, error)
	// Leave ends an entry and says what came of it.
	Leave(ctx context.Context, e job.Entry, r job.Round) (job.Turn, error)
}

// unbounded is the Receiver of a target that has none.
type unbounded struct{}

func (unbounded) Enter(_ context.Context, slots, sends int) (job.Entry, error) {
	return job.Entry{Slots: slots, Sends: sends}, nil
}

func (unbounded) Leave(context.Context, job.Entry, job.Round) (job.Turn, error) {
	return job.Unturned, nil
}

// roundTime is how long a round begins POSTs; what is left goes back. It stays
// well below the life of the permits under which they are made.
const roundTime = 30 * time.Second

// streak is what the rounds of one process have in common.
type streak struct {
	failures atomic.Int64 // in a row
	open     atomic.Bool  // the breaker, as it was last heard of
}

// round is the POSTs that are made under one entry.
type round struct {
	entry  job.Entry
	limit  int // failures in a row after which the rest is not sent; 0 for never
	began  time.Time
	slots  chan struct{} // one token per POST in flight
	streak *streak

	mu    sync.Mutex
	came  job.Round
	spent time.Duration // on all POSTs
}

func newRound(e job.Entry, breakAfter int, s *streak) *round {
	return &round{
		entry: e, limit: breakAfter, streak: s, began: time.Now(),
		slots: make(chan struct{}, max(e.Slots, 1)), came: job.Round{Unused: e.Sends},
	}
}

// heard notes an answer, or the lack of one.
func (r *round) heard(a job.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent += a.Took
	r.came.Rest = max(r.came.Rest, min(a.RetryAfter, longestRetryAfter))
	switch {
	case a.Code == stoppedCode:
	case sick(a):
		r.came.Failures++
		r.streak.failures.Add(1)
		r.came.Code = a.Code
	default:
		r.streak.failures.Store(0)
		r.came.Answered, r.came.Failures, r.came.Code = true, 0, ""
	}
}

// begun notes a POST.
func (r *round) begun() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came.Unused--
}

// over reports whether no more POSTs are to be made: the receiver fails all the
// time, also as others have found out meanwhile, asked for a rest, or the round's
// time is up.
func (r *round) over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	probe := !r.entry.Opened.IsZero()
	left := probe && r.came.Failures > 0 || !probe && r.streak.open.Load()
	late := r.entry.Token != "" && time.Since(r.began) > roundTime
	return left || late || r.came.Rest > 0 || r.limit > 0 && r.streak.failures.Load() >= int64(r.limit)
}

// cost is what its POSTs took, all together.
func (r *round) cost() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spent
}

// outcome is what is told of the round.
func (r *round) outcome() job.Round {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came.Unused = max(r.came.Unused, 0)
	return r.came
}

// sick reports whether an answer, or its lack, says that the receiver is not
// well. One that refuses a row with a 4xx is.
func sick(a job.Answer) bool {
	const requestTimeout, tooMany, serverErrors = 408, 429, 500
	switch a.Outcome {
	case job.Delivered, job.Gone:
		return false
	case job.NotSent:
		return a.Code != "request" // which was never made
	case job.Failed:
		return a.Status >= serverErrors || a.Status == requestTimeout || a.Status == tooMany
	default:
		return true
	}
}
