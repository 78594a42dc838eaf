package app

import (
	"context"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// report writes once a minute how far each job of this process is.
func (a *App) report(ctx context.Context) {
	const every = time.Minute
	tick := time.NewTicker(every)
	defer tick.Stop()
	before := map[string]map[string]int64{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		jobs, _, err := a.states(ctx, every/2)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("the minute's report could not be read", "error", err)
			}
			continue
		}
		mine := map[string]bool{}
		for _, r := range a.runs() {
			mine[r.job.Name] = true
		}
		for _, j := range jobs {
			if mine[j.Name] {
				a.reportJob(j, before[j.Name], every)
				before[j.Name] = j.Stats
			}
		}
	}
}

// lastLook is what this process last read of all jobs.
type lastLook struct {
	mu   sync.Mutex
	at   time.Time
	jobs []job.State
}

// states reads all jobs, or gives what was read maxAge ago at most, and when that was.
func (a *App) states(ctx context.Context, maxAge time.Duration) ([]job.State, time.Time, error) {
	a.look.mu.Lock()
	defer a.look.mu.Unlock()
	if time.Since(a.look.at) < maxAge {
		return a.look.jobs, a.look.at, nil
	}
	jobs, err := a.broker.Jobs(ctx)
	if err == nil {
		a.look.at, a.look.jobs = time.Now(), jobs
	}
	return jobs, a.look.at, err
}

func (a *App) reportJob(j job.State, before map[string]int64, every time.Duration) {
	perSecond := func(counter string) float64 {
		if before == nil {
			return 0
		}
		return float64(j.Stats[counter]-before[counter]) / every.Seconds()
	}
	a.log.Info("progress", "job", j.Name, "leader", j.Leader, "cursors", j.Cursors, "lag", j.Lag,
		"ranges_done", j.Stats["ranges"], "rows_compared", j.Stats["rows"], "rows_per_second", perSecond("rows"),
		"callbacks_delivered", j.Stats["delivered"], "callbacks_per_second", perSecond("delivered"),
		"callbacks_closed", j.Stats["closed_equal"]+j.Stats["closed_gone"]+j.Stats["closed_unverified"],
		"ranges_waiting", j.Depths["ranges"], "ranges_retry", j.Depths["ranges:retry"],
		"callbacks_open", j.Open, "callbacks_slow", j.Depths["callbacks:slow"], "callbacks_parked", j.Depths["callbacks:parked"],
		"rss_mb", residentBytes()>>20)
}
