package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/scheduler"
)

// poll is the longest pause of a scheduler that waits to lead.
const poll = ttl/3 + ttl/10

func TestAnotherLeadsWhenTheLeaderDied(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		_, _, kill := b.start("first")
		b.pass(poll)
		b.start("second")
		b.pass(time.Minute)
		require.Equal(b.t, []string{"first"}, b.store.led())
		kill()
		b.table.fill(1, 10)
		b.pass(ttl / 2)
		require.Equal(b.t, []string{"first"}, b.store.led(), "its lock has not ended yet")
		b.pass(ttl/2 + poll)
		require.Equal(b.t, []string{"first", "second"}, b.store.led())
		b.pass(time.Second)
		require.Equal(b.t, "..10", b.ids(job.Insert))
	})
}

func TestAnotherLeadsSoonAfterTheLeaderStopped(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		_, stop, _ := b.start("first")
		b.pass(time.Second)
		b.start("second")
		b.pass(time.Minute)
		stop()
		b.pass(poll)
		require.Equal(b.t, []string{"first", "second"}, b.store.led())
	})
}

func TestNothingIsClaimedOnceTheLockIsLost(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.start("first")
		b.table.fill(1, 10)
		b.pass(2 * time.Second)
		b.store.do(func() { b.store.lock, b.store.ends = -1, time.Now().Add(time.Minute) })
		b.table.fill(11, 20)
		b.pass(30 * time.Second)
		require.Equal(b.t, "..10", b.ids(job.Insert))
		require.Equal(b.t, 1, b.log.count("the lock was lost"), "said once")
		b.pass(30*time.Second + poll)
		require.Equal(b.t, "..10 10..20", b.ids(job.Insert))
	})
}

// A leader that froze wakes up after its lock went to another.
func TestAClaimThatHungOutlastsTheLockInVain(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		froze := false
		b.start("first", func(p *process) {
			p.stall = func(op string) time.Duration {
				if op != "claim" || froze {
					return 0
				}
				froze = true
				p.sever(true)
				return 2 * ttl
			}
		})
		b.table.fill(1, 10)
		b.start("second")
		b.pass(3 * ttl)
		claims := b.store.of(job.Insert)
		require.Len(b.t, claims, 1)
		require.Equal(b.t, "second", claims[0].who)
	})
}

func TestALeaderThatCannotRefreshStopsBeforeItsLockEnds(t *testing.T) {
	t.Parallel()
	for name, hang := range map[string]time.Duration{"fails": 0, "hangs": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				var broken atomic.Bool
				p := &fragile{process: &process{store: b.store, who: "first"}, refresh: func(ctx context.Context) error {
					if !broken.Load() {
						return nil
					}
					select {
					case <-time.After(hang):
					case <-ctx.Done():
					}
					return errCut
				}}
				s := scheduler.New(scheduler.Config{Job: b.job, Table: b.table, Queue: p, Who: "first", LockTTL: ttl, Log: slog.New(slog.NewTextHandler(&b.log, nil))})
				ctx, cancel := context.WithCancel(b.t.Context())
				defer cancel()
				b.runs.Go(func() { _ = s.Run(ctx) })
				b.pass(ttl / 3)
				broken.Store(true)
				refreshed := time.Now()
				var ended time.Time
				for range 200 {
					b.pass(ttl / 100)
					if b.log.count("could not be refreshed in time") > 0 {
						ended = time.Now()
						break
					}
				}
				require.False(b.t, ended.IsZero())
				require.Less(b.t, ended.Sub(refreshed), ttl)
				require.Greater(b.t, ended.Sub(refreshed), ttl/2)
				cancel()
			})
		})
	}
}

// fragile is a process whose refreshes have a fate of their own.
type fragile struct {
	*process
	refresh func(ctx context.Context) error
}

type fragileLead struct {
	scheduler.Leadership
	f *fragile
}

func (f *fragile) Lead(ctx context.Context, ttl time.Duration, who string) (scheduler.Leadership, error) {
	l, err := f.process.Lead(ctx, ttl, who)
	return fragileLead{l, f}, err
}

func (l fragileLead) Refresh(ctx context.Context, ttl time.Duration) error {
	if err := l.f.refresh(ctx); err != nil {
		return err
	}
	return l.Leadership.Refresh(ctx, ttl)
}

func TestAJobThatIsKnownOtherwiseEndsTheScheduler(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.store.spec = &job.SpecError{Job: "db.user", Field: "identity", Mine: "a", Found: "b"}
		s := scheduler.New(scheduler.Config{Job: b.job, Table: b.table, Queue: &process{store: b.store}, Log: slog.New(slog.NewTextHandler(&b.log, nil))})
		began := time.Now()
		var spec *job.SpecError
		require.ErrorAs(b.t, s.Run(b.t.Context()), &spec)
		require.Zero(b.t, time.Since(began))
		require.Zero(b.t, b.log.count("msg="), "what is returned is not logged")
		require.True(b.t, b.store.ends.IsZero(), "the lock is released")
	})
}

func TestARegistrationThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.store.spec = errCut
		b.table.fill(1, 5)
		b.start("first")
		b.pass(10 * time.Second)
		require.Empty(b.t, b.ids(job.Insert))
		b.store.do(func() { b.store.spec = nil })
		b.pass(3 * time.Second)
		require.Equal(b.t, "..5", b.ids(job.Insert))
	})
}

// What people or limits hold is no failure: it is looked at again at the usual interval.
func TestHeldClaimsWaitWithoutBackOff(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]func(s *store, on bool){
		"paused":    func(s *store, on bool) { s.paused = on },
		"callbacks": func(s *store, on bool) { s.backlog = on },
		"ranges": func(s *store, on bool) {
			s.waiting = 0
			if on {
				s.waiting = s.most
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, func(b *bed) {
				b.table.fill(1, 10)
				b.store.do(func() { hold(b.store, true) })
				b.start("first")
				b.pass(10 * time.Minute)
				require.Empty(b.t, b.ids(job.Insert))
				require.Zero(b.t, b.log.count("failed"))
				b.store.do(func() { hold(b.store, false) })
				b.pass(b.job.Insert.Every)
				require.Equal(b.t, "..10", b.ids(job.Insert))
			})
		})
	}
}

func TestADatabaseThatIsDownIsAskedMoreSeldomAndRecovers(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.table.fill(1, 10)
		b.table.set(func(d *table) { d.down = errors.New("connection refused") })
		b.start("first")
		b.pass(10 * time.Minute)
		asked := b.table.asked()
		require.Less(b.t, asked, 50)
		b.pass(10 * time.Minute)
		require.Less(b.t, b.table.asked()-asked, 45, "at most every 15 s")
		require.Greater(b.t, b.table.asked()-asked, 18, "at least every 30 s")
		b.table.set(func(d *table) { d.down = nil })
		b.pass(31*time.Second + ttl) // it may have let others lead just now
		require.Equal(b.t, "..10", b.ids(job.Insert))
	})
}

func TestAStoreThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		p, _, _ := b.start("first")
		b.pass(time.Second)
		p.sever(true)
		b.table.fill(1, 10)
		b.pass(10 * time.Minute)
		p.sever(false)
		b.pass(4 * time.Second)
		require.Equal(b.t, "..10", b.ids(job.Insert))
		require.Len(b.t, b.store.led(), 2)
	})
}

func TestStartAndStopOftenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		d := &table{unit: time.Second, zone: time.UTC}
		d.fill(1, 50)
		b := &bed{t: t, store: s, table: d, job: job.Job{
			Name: "j", Source: job.Source{Shard: job.Shard{Database: "db", Table: "user"}},
			Insert: job.InsertScan{Enabled: true, Every: time.Second}, Update: job.UpdateScan{Enabled: true, Every: time.Second},
			RangeRows: 10, LateCommit: time.Minute,
		}}
		for i := range 50 {
			_, stop, _ := b.start(fmt.Sprint("p", i))
			go func() {
				time.Sleep(time.Duration(i%7) * time.Second)
				stop()
			}()
		}
		b.runs.Wait()
		require.Equal(b.t, "..10 10..20 20..30 30..40 40..50", b.ids(job.Insert))
		require.Empty(b.t, s.violations)
	})
}

func TestAConfigWithoutAnInterestInLag(t *testing.T) {
	t.Parallel()
	run(t, func(b *bed) {
		b.table.fill(1, 3)
		s := scheduler.New(scheduler.Config{Job: b.job, Table: b.table, Queue: &process{store: b.store}, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(b.t.Context())
		b.stop = append(b.stop, cancel)
		b.runs.Go(func() { _ = s.Run(ctx) })
		b.pass(2 * time.Second)
		require.Equal(b.t, "..3", b.ids(job.Insert))
	})
}
