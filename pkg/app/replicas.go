package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
	"github.com/masixun71/cupid-go/pkg/worker"
)

var _ worker.Replicas = (*replicas)(nil)

// replicas are those of a job's servers on which ranges may be compared.
type replicas struct {
	r       *jobRun
	plan    *mysql.Plan
	targets []worker.Target // on the primaries
	sets    []*replicaSet   // the source's, then each destination's

	mu    sync.Mutex
	known map[string]worker.Sides // by the databases in use
}

// replicaSet are the replicas of one server.
type replicaSet struct {
	servers []*replica

	mu   sync.Mutex
	next int // begins the next look, so that all are used alike
}

// replica is one of them.
type replica struct {
	from  job.Replica
	limit time.Duration
	lags  *lags
	open  func(job.Secret) (*mysql.Database, error)

	mu    sync.Mutex
	dsn   job.Secret
	db    *mysql.Database
	was   []*mysql.Database // with older passwords
	lag   *lag
	rest  time.Duration // how long it is left alone after a failure
	until time.Time
	left  bool // people were told that it is
}

// openReplicas prepares the replicas of a job; it does not dial. A statement has less
// time there than on a primary, so that there is time left to go to that.
func (r *jobRun) openReplicas(o mysql.Options) (*replicas, error) {
	o.OnMistake, o.StatementTimeout = nil, r.a.c.Process.Lease/3
	all := &replicas{r: r, known: map[string]worker.Sides{}}
	sides := []job.Replicas{r.job.Source.Replicas}
	for _, d := range r.job.Destinations {
		sides = append(sides, d.Replicas)
	}
	var bad []error
	for n, side := range sides {
		set := &replicaSet{}
		all.sets = append(all.sets, set)
		if o.Purpose = "replica of a destination"; n == 0 {
			o.Purpose = "replica of a source"
		}
		purposed := o
		for _, from := range side.Servers {
			limit := side.MaxLag
			if most := r.a.c.Load.ReplicaLag; most > 0 {
				limit = min(limit, most) // above that its gate would let nothing through
			}
			one := &replica{from: from, limit: limit, lags: r.a.lags, open: func(dsn job.Secret) (*mysql.Database, error) { return mysql.Open(dsn, purposed) }}
			if err := one.reopen(); err != nil {
				bad = append(bad, fmt.Errorf("%w: replica: %w", ErrConfig, err))
			}
			set.servers = append(set.servers, one)
		}
	}
	if len(bad) > 0 {
		all.close()
		return nil, errors.Join(bad...)
	}
	return all, nil
}

func (r *replicas) close() {
	for _, set := range r.sets {
		for _, one := range set.servers {
			pools(one.was).close(r.r.log)
		}
	}
}

// Sides is worker.Replicas'. A source's replica that does not show the end of a range
// yet would find less than there is: its primary is read. A destination's may be
// behind: rows that seem to be missing are read again at the primary.
func (r *replicas) Sides(ctx context.Context, rows job.Range) (worker.Sides, bool) {
	chosen := make([]*replica, len(r.sets))
	databases := make([]*mysql.Database, len(r.sets))
	found := false
	for n, set := range r.sets {
		if n == 0 {
			chosen[n], databases[n] = set.choose(ctx, rows.UpTo.At, func(db *mysql.Database) (bool, error) { return r.shown(ctx, rows, db) })
		} else {
			chosen[n], databases[n] = set.choose(ctx, time.Time{}, func(*mysql.Database) (bool, error) { return true, nil })
		}
		found = found || chosen[n] != nil
	}
	if !found {
		return worker.Sides{}, false
	}
	s := r.sides(databases)
	s.Failed = func(reason error) { failed(chosen, reason) }
	return s, true
}

// shown reports whether a replica of the source shows what stands at the end of a
// range. What commits late is shown later everywhere; a second look is for that.
func (r *replicas) shown(ctx context.Context, rows job.Range, db *mysql.Database) (bool, error) {
	if rows.UpTo.Timed() {
		return true, nil // it says itself up to when
	}
	_, found, behind, err := r.plan.At(db, make([]*mysql.Database, len(r.targets))).Source.Bounds(ctx, rows.UpTo)
	return found && !behind, err
}

// choose gives a replica that may be read now, shows all up to a time, and fits; nil
// when there is none.
func (s *replicaSet) choose(ctx context.Context, upto time.Time, fits func(*mysql.Database) (bool, error)) (*replica, *mysql.Database) {
	s.mu.Lock()
	first := s.next
	s.next++
	s.mu.Unlock()
	for i := range s.servers {
		one := s.servers[(first+i)%len(s.servers)]
		db := one.usable(ctx, upto)
		if db == nil {
			continue
		}
		fit, err := fits(db)
		if err != nil && ctx.Err() == nil {
			one.leave(err)
		}
		if fit && err == nil {
			return one, db
		}
	}
	return nil, nil
}

// usable is the replica's database while it may be read; nil when it may not.
func (r *replica) usable(ctx context.Context, upto time.Time) *mysql.Database {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return nil
	}
	if !r.lag.within(ctx, r.db, upto) {
		_ = r.reopen() // its DSN may stand in a file, with a new password; the next look says whether it helped
		return nil
	}
	if r.left {
		r.left = false
		sayRead(r.lags.log, r.db)
	}
	return r.db
}

// reopen opens the replica with the DSN of today, if it is another one.
func (r *replica) reopen() error {
	dsn := current(r.from.DSN, r.from.DSNFile)
	if r.db != nil && dsn.Reveal() == r.dsn.Reveal() {
		return nil
	}
	db, err := r.open(dsn)
	if err != nil {
		return err
	}
	r.dsn, r.db, r.was, r.lag = dsn, db, append(r.was, db), r.lags.of(dsn, r.limit)
	return nil
}

// leave has the replica left alone for a while, longer when that did not help.
func (r *replica) leave(reason error) {
	const shortest, longest = 5 * time.Second, 10 * time.Minute
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(r.until) {
		return // of several ranges the first said so
	}
	if now.Sub(r.until) < r.rest {
		r.rest = min(2*r.rest, longest)
	} else {
		r.rest = shortest
	}
	r.until, r.left = now.Add(r.rest), true
	sayUnread(r.lags.log, r.db, lagError(reason))
}

// failed leaves the replicas of a range alone: which of them it was stands in the reason.
func failed(chosen []*replica, reason error) {
	for _, one := range chosen {
		if one != nil {
			one.leave(reason)
		}
	}
}

// sides are the worker's with some databases in the place of primaries; nil is the primary.
func (r *replicas) sides(databases []*mysql.Database) worker.Sides {
	key := fmt.Sprintf("%p", databases[0])
	for _, d := range databases[1:] {
		key = fmt.Sprintf("%s %p", key, d)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, known := r.known[key]; known {
		return s
	}
	plan := r.plan.At(databases[0], databases[1:])
	s := worker.Sides{Source: plan.Source}
	for n, t := range r.targets {
		t.Destination = plan.Destinations[n]
		r.r.hash(&t, plan, n)
		s.Targets = append(s.Targets, t)
	}
	r.known[key] = s
	return s
}
