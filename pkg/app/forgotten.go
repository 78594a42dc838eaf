package app

import (
	"context"
	"errors"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
)

// probeRedis asks whether Redis takes writes, and tells people when it has lost
// its data since this process began: by a restart without persistence, a failover
// to an empty replica, or a FLUSHALL. All goes on by itself then, but not from
// where it was.
func (a *App) probeRedis(ctx context.Context) error {
	emptied, err := a.broker.Probe(ctx)
	if err != nil || !emptied {
		return err
	}
	names := a.jobNames()
	a.log.Error("redis has lost its data: "+forgotten, "jobs", strings.Join(names, " "), "not_found_again", notFoundAgain)
	// This is no state that anybody could find later: who sees it tells it.
	a.notifier.Tell(ctx, notify.Order{Telling: job.Telling{Alert: job.Alert{Kind: job.AlertForgotten}, News: job.NewsOn, First: true}})
	for _, name := range names {
		err = errors.Join(err, a.broker.NoteEvent(ctx, job.Event{Job: name, Kind: job.EventForgotten, Who: a.id, What: "Redis has lost its data: " + forgotten}))
	}
	return err
}

const (
	forgotten     = "scans begin again at their configured start, open callbacks are found anew by them"
	notFoundAgain = "open and parked callbacks of rows that the scans do not meet again (scan key below the start id, update time older than updateScanSecond), holds of operators, counters"
)
