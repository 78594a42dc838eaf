package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// settleEvery is how long settlements are collected for one round trip.
	settleEvery = 5 * time.Millisecond
	settleBatch = 100
)

// settling is a settlement on its way, with what the settler has to know besides.
type settling struct {
	decision
	sent bool // a POST went out: a refused answer means that its body may have landed last
}

// settler ends leases in batches, behind the deliverer's back.
type settler struct {
	d    *deliverer
	in   chan settling
	done sync.WaitGroup
}

// newSettler begins to settle; work ends when a stop leaves no more time.
func newSettler(work context.Context, d *deliverer) *settler {
	s := &settler{d: d, in: make(chan settling, 2*leaseBatch)}
	s.done.Go(func() { s.run(work) })
	return s
}

func (s *settler) settle(d decision, sent bool) { s.in <- settling{decision: d, sent: sent} }

// stop settles what was handed over and ends.
func (s *settler) stop() {
	close(s.in)
	s.done.Wait()
}

func (s *settler) run(work context.Context) {
	for first := range s.in {
		batch := []settling{first}
		timer := time.NewTimer(settleEvery)
	collect:
		for len(batch) < settleBatch {
			select {
			case next, ok := <-s.in:
				if !ok {
					break collect
				}
				batch = append(batch, next)
			case <-timer.C:
				break collect
			}
		}
		timer.Stop()
		s.send(work, batch)
	}
}

// send settles a batch, and tries again as long as the leases last and the
// process has time: a settlement that is lost costs another POST.
func (s *settler) send(work context.Context, batch []settling) {
	q := s.d.w.c.Queue
	settlements := make([]job.Settlement, len(batch))
	for i, b := range batch {
		settlements[i] = *b.settle
	}
	var answers []job.Settled
	var err error
	for try, began := 1, time.Now(); ; try++ {
		ctx, cancel := patience(work)
		answers, err = q.Settle(ctx, settlements)
		cancel()
		if err == nil || work.Err() != nil || time.Since(began) > q.Lease() {
			break
		}
		s.d.log.Warn("settled callbacks could not be written and are tried again", "callbacks", len(batch), "error", err)
		var silent bell
		silent.wait(work, backoff(try, 5*time.Second))
	}
	for _, b := range batch {
		s.d.keeper.drop(string(b.settle.Callback.ID), b.settle.Callback.Token)
	}
	if err != nil {
		s.d.log.Warn("callbacks wait for the end of their lease and are then read again", "callbacks", len(batch), "error", err)
		return
	}
	s.after(work, batch, answers)
}

// patience bounds one round trip; the last one of a process that stops gets little.
func patience(work context.Context) (context.Context, context.CancelFunc) {
	if work.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(work), answerTime)
	}
	return context.WithTimeout(context.WithoutCancel(work), 5*time.Second)
}

// after raises alerts, and puts the rows of late POSTs back to be looked at.
func (s *settler) after(work context.Context, batch []settling, answers []job.Settled) {
	var again []job.Difference
	for i, b := range batch {
		c := b.settle.Callback
		s.d.w.c.Meter.Settled(s.d.t.Config.Name, b.settle.To, answers[i])
		if answers[i] == job.SettledLost {
			if b.sent {
				again = append(again, job.Difference{
					Destination: c.Destination, Shard: c.Shard, Key: c.Key, Type: c.Type, SourceHash: c.SourceHash,
				})
			}
			continue
		}
		if b.alert != "" {
			s.d.w.c.Alert(job.Alert{Kind: b.alert, Job: s.d.w.c.Job.Name, Destination: c.Destination, Count: 1, Code: c.Error})
		}
	}
	if len(again) == 0 {
		return
	}
	s.d.log.Warn("answers came after the lease, the rows are looked at again", "callbacks", len(again))
	ctx, cancel := patience(work)
	defer cancel()
	if err := s.d.w.c.Queue.PutAgain(ctx, again); err != nil && !errors.Is(err, context.Canceled) {
		s.d.log.Warn("rows of late answers were not put back", "callbacks", len(again), "error", err)
	}
}
