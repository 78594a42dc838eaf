package worker

import (
	"context"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// settleEvery is how long settlements are collected for one round trip.
	settleEvery = 50 * time.Millisecond
	settleBatch = leaseBatch
	// settleAtOnce is how many batches are on their way: each waits for both
	// databases and for Redis, which may be far.
	settleAtOnce = 4
)

// settling is a settlement on its way, with what the settler has to know besides.
type settling struct {
	*job.Settlement
	sent bool // a POST went out: a refused answer means that its body may have landed last
}

// settler ends leases in batches, behind the deliverer's back.
type settler struct {
	d       *deliverer
	work    func(batch []settling)
	slots   chan struct{} // one token per batch on its way
	running sync.WaitGroup

	mu    sync.Mutex
	batch []settling  // is collected
	timer *time.Timer // until it goes without more
}

// newSettler begins to settle. After the end of work there is only the answer
// time left, for all that still waits.
func newSettler(work context.Context, d *deliverer) (s *settler, stop func()) {
	l := &looker{d: d}
	s = &settler{d: d, slots: make(chan struct{}, settleAtOnce)}
	last, cancel := outliving(work, answerTime)
	s.work = func(batch []settling) {
		l.look(work, batch)
		s.send(work, last, batch)
	}
	return s, func() {
		defer cancel()
		s.start(s.take())
		s.running.Wait()
	}
}

// settle takes what is to be settled together with others, and waits where too many of these are on their way.
func (s *settler) settle(d decision, sent bool) {
	s.start(s.add(settling{d.settle, sent}))
}

// add collects, and gives a batch that is full.
func (s *settler) add(one settling) (full []settling) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch = append(s.batch, one)
	switch len(s.batch) {
	case 1:
		s.timer = time.AfterFunc(settleEvery, func() { s.start(s.take()) })
	case settleBatch:
		return s.taken()
	}
	return nil
}

func (s *settler) take() []settling {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken()
}

// taken is what was collected, which the end waits for from now on.
func (s *settler) taken() []settling {
	batch := s.batch
	if len(batch) > 0 {
		s.timer.Stop()
		s.batch = make([]settling, 0, settleBatch)
		s.running.Add(1)
	}
	return batch
}

// start sends a batch on its way.
func (s *settler) start(batch []settling) {
	if len(batch) == 0 {
		return
	}
	s.slots <- struct{}{}
	go func() {
		defer s.running.Done()
		s.work(batch)
		<-s.slots
	}()
}

// send settles a batch.
func (s *settler) send(work, last context.Context, batch []settling) {
	settlements := make([]job.Settlement, len(batch))
	for i, b := range batch {
		settlements[i] = *b.Settlement
	}
	var answers []job.Settled
	err := s.insist(work, last, len(batch), func(ctx context.Context) (err error) {
		answers, err = s.d.w.c.Queue.Settle(ctx, settlements)
		return err
	})
	for _, b := range batch {
		s.d.keeper.drop(string(b.Callback.ID), b.Callback.Token)
	}
	if err != nil {
		s.d.log.Warn("callbacks wait for the end of their lease and are then read again", "callbacks", len(batch), "error", err)
		return
	}
	s.after(work, last, batch, answers)
}

// insist tries again as long as leases last and the process has time: a
// settlement that is lost costs another POST.
func (s *settler) insist(work, last context.Context, callbacks int, act func(context.Context) error) error {
	for try, began := 1, time.Now(); ; try++ {
		err := act(last)
		if err == nil || work.Err() != nil || time.Since(began) > s.d.w.c.Queue.Lease() {
			return err
		}
		s.d.log.Warn("settled callbacks could not be written and are tried again", "callbacks", callbacks, "error", err)
		rest(work, backoff(try, 5*time.Second))
	}
}

// after says that people may have to know of something, and puts the rows of late POSTs back to be looked at.
func (s *settler) after(work, last context.Context, batch []settling, answers []job.Settled) {
	var again []job.Difference
	trouble := false
	for i, b := range batch {
		c := &b.Callback
		s.d.w.c.Meter.Settled(s.d.t.Config.Name, b.To, answers[i])
		if answers[i] == job.SettledLost {
			if b.sent {
				again = append(again, job.Difference{
					Destination: c.Destination, Shard: c.Shard, Key: c.Key, Type: c.Type, SourceHash: c.SourceHash,
				})
			}
			continue
		}
		trouble = trouble || c.Trouble != "" // also of a callback that is closed: its trouble is over
	}
	if trouble {
		s.d.w.c.Trouble()
	}
	if len(again) == 0 {
		return
	}
	s.d.log.Warn("answers came after the lease, the rows are looked at again", "callbacks", len(again))
	err := s.insist(work, last, len(again), func(ctx context.Context) error { return s.d.w.c.Queue.PutAgain(ctx, again) })
	if err != nil {
		s.d.log.Warn("rows of late answers were not put back", "callbacks", len(again), "error", err)
	}
}
