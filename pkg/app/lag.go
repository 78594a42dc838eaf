package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// lags are what a process knows of how far replicas are behind. All jobs that
// name a replica alike share what is known, and what is said of it.
type lags struct {
	log   *slog.Logger
	gauge *prometheus.GaugeVec

	mu  sync.Mutex
	all map[string]*lag // by DSN and limit
}

func newLags(log *slog.Logger, gauge *prometheus.GaugeVec) *lags {
	return &lags{log: log, gauge: gauge, all: map[string]*lag{}}
}

func (l *lags) of(dsn job.Secret, limit time.Duration) *lag {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := limit.String() + " " + dsn.Reveal()
	if l.all[key] == nil {
		l.all[key] = &lag{lags: l, limit: limit}
	}
	return l.all[key]
}

// lag is how far one replica is behind.
type lag struct {
	lags  *lags
	limit time.Duration

	mu    sync.Mutex
	asked time.Time // zero before the first answer
	why   string    // it is not to be read; "" it is
	shows time.Time // up to here it shows what its primary holds, on the servers' clock
}

// How long an answer of a replica counts: one that is not read is asked more seldom.
const (
	lagFresh    = time.Second
	lagUnread   = 5 * time.Second
	lagPause    = 100 * time.Millisecond
	lagPatience = 2 * time.Second // for the answer
	lagUnit     = time.Second     // servers tell whole ones
)

// within reports whether the replica may be read: it says itself that it is no
// further behind than allowed, and shows what was committed up to a time; the zero
// time is any. What changes is logged once.
func (l *lag) within(ctx context.Context, db *mysql.Database, upto time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := time.Since(l.asked); !l.outdated(age, upto) {
		return l.why == "" && !upto.After(l.shows)
	}
	at, behind, why := lagOf(ctx, db, l.limit)
	if ctx.Err() != nil {
		return false // who asked does not wait for it any more: that says nothing
	}
	l.say(db, behind, why)
	l.asked, l.why, l.shows = time.Now(), why, at.Add(-behind-lagUnit)
	return why == "" && !upto.After(l.shows)
}

// outdated reports whether an answer of that age says too little of a time.
func (l *lag) outdated(age time.Duration, upto time.Time) bool {
	switch {
	case l.why != "":
		return age >= lagUnread
	case upto.After(l.shows):
		return age >= lagPause
	}
	return age >= lagFresh
}

// say tells people what changed.
func (l *lag) say(db *mysql.Database, behind time.Duration, why string) {
	l.lags.gauge.WithLabelValues(db.Server()).Set(behind.Seconds())
	switch first := l.asked.IsZero(); {
	case why != "" && (first || l.why == ""):
		sayUnread(l.lags.log, db, why)
	case why == "" && (first || l.why != ""):
		sayRead(l.lags.log, db)
	}
}

func sayUnread(log *slog.Logger, db *mysql.Database, why string) {
	log.Warn("a replica is not read, its primary is", "replica", db.Address(), "why", why)
}

func sayRead(log *slog.Logger, db *mysql.Database) {
	log.Info("a replica is read", "replica", db.Address())
}

// lagOf asks a replica how far it is behind, negative when nobody knows, at a time of
// its clock, and says why it is not to be read, "" when it is.
func lagOf(ctx context.Context, db *mysql.Database, limit time.Duration) (at time.Time, behind time.Duration, why string) {
	const unknown = -time.Second
	ctx, cancel := context.WithTimeout(ctx, lagPatience)
	defer cancel()
	r, err := db.Replication(ctx)
	switch {
	case err != nil:
		return r.At, unknown, "its lag cannot be read: " + lagError(err)
	case !r.Replica:
		return r.At, unknown, "it is no replica"
	case r.Behind < 0:
		return r.At, unknown, "its replication stands still"
	case r.Behind > limit:
		return r.At, r.Behind, fmt.Sprintf("it is %s behind its primary, allowed are %s", r.Behind, limit)
	}
	return r.At, r.Behind, ""
}

func lagError(err error) string {
	mistake, is := errors.AsType[*table.ConfigError](err)
	if !is {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	all := make([]string, len(mistake.Problems))
	for i, p := range mistake.Problems {
		all[i] = p.What + "; " + p.Mend
	}
	return strings.Join(all, "; ")
}
