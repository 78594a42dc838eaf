package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Channels that work, fail and hang; messages come while it starts and while it stops.
func TestANotifierMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	var delivered, told atomic.Int64
	lifecycletest.Stress{}.StartStop(t, func() (start, stop func()) {
		n, err := New(Config{}, Options{Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Error(err)
		}
		works, fails, hangs := with(n, "works", &recorder{}), with(n, "fails", &recorder{}), with(n, "hangs", &recorder{hang: true})
		fails.set(errors.New("refused"))
		tell := func(kind job.AlertKind) {
			n.Tell(context.Background(), Order{
				Telling: job.Telling{Alert: job.Alert{Kind: kind, Job: "shop"}, News: job.NewsOn, First: true},
				Told:    func(context.Context) { told.Add(1) },
			})
		}
		start = func() {
			tell(job.AlertSlow)
			n.Start()
			tell(job.AlertBreaker)
		}
		stop = func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			_ = n.Stop(ctx) // what is not sent in time is an error
			delivered.Add(int64(len(works.messages())))
			_ = hangs
		}
		return start, stop
	})
	if delivered.Load() == 0 || told.Load() == 0 {
		t.Errorf("%d messages were sent, %d told of", delivered.Load(), told.Load())
	}
}
