package app

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// report writes once a minute how far those jobs are that this process did something
// for, and every tenth time how far all of its are: where a hundred jobs have nothing
// to do, nobody wants a hundred lines of it a minute, nor Redis the questions.
func (a *App) report(ctx context.Context) {
	const every, all = time.Minute, 10
	tick := time.NewTicker(every)
	defer tick.Stop()
	before := map[string]reported{}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !a.log.Enabled(ctx, slog.LevelInfo) {
			continue
		}
		jobs, err := a.broker.States(ctx, a.worked(n%all == 0))
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("the minute's report could not be read", "error", err)
			}
			continue
		}
		for _, j := range jobs {
			a.reportJob(j, before[j.Name])
			before[j.Name] = reported{at: time.Now(), stats: j.Stats}
		}
	}
}

// worked are the jobs that this process did something for since the last call, or all.
func (a *App) worked(all bool) []string {
	var names []string
	for _, r := range a.runs() {
		if r.worked.Swap(false) || all {
			names = append(names, r.job.Name)
		}
	}
	return names
}

// reported is what was last said of a job.
type reported struct {
	at    time.Time
	stats map[string]int64
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

func (a *App) reportJob(j job.State, before reported) {
	perSecond := func(counter string) int64 {
		if before.at.IsZero() {
			return 0
		}
		return int64(math.Round(float64(j.Stats[counter]-before.stats[counter]) / time.Since(before.at).Seconds()))
	}
	a.log.Info("progress", "job", j.Name, "leader", j.Leader, "cursors", j.Cursors, "lag", j.Lag,
		"ranges_done", j.Stats["ranges"], "rows_compared", j.Stats["rows"], "rows_per_second", perSecond("rows"),
		"callbacks_delivered", j.Stats["delivered"], "callbacks_per_second", perSecond("delivered"),
		"callbacks_closed", j.Stats["closed_equal"]+j.Stats["closed_gone"]+j.Stats["closed_unverified"],
		"ranges_waiting", j.Depths["ranges"], "ranges_retry", j.Depths["ranges:retry"],
		"callbacks_open", j.Open, "callbacks_slow", j.Depths["callbacks:slow"], "callbacks_parked", j.Depths["callbacks:parked"],
		"rss_mb", residentBytes()>>20)
}
