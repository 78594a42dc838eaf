package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Reload has the process go on with the jobs of another reading of its config. A
// reading with a mistake anywhere, and err, change nothing: half a file is not what
// anybody wrote. It does not wait.
func (a *App) Reload(c *config.Config, err error) {
	if err == nil {
		err = a.usable(c)
	}
	why := ""
	if err != nil {
		why = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	a.mu.Lock()
	a.unread = why
	a.mu.Unlock()
	a.tellRegistry()
	if err != nil {
		a.log.Error("the config was read again and has mistakes, all goes on as before", "mistakes", why)
		return
	}
	for {
		select {
		case <-a.reloads: // an older one that was not followed yet
		default:
		}
		select {
		case a.reloads <- c:
			return
		default:
		}
	}
}

// usable says what keeps this process from following a config.
func (a *App) usable(c *config.Config) error {
	var all []error
	for _, bad := range c.Bad {
		all = append(all, bad.Err)
	}
	for _, j := range c.Jobs {
		for _, d := range j.Destinations {
			if lease := a.c.Process.Lease; d.Callback.Timeout >= lease/3 {
				all = append(all, fmt.Errorf("%s: job %s, destination %s: callback.timeout is %s, want less than a third of the lease, which stays %s until a restart",
					c.Path, j.Name, d.Name, d.Callback.Timeout, lease))
			}
		}
	}
	return errors.Join(all...)
}

// warn says what of a config was read otherwise than it stands.
func (a *App) warn(c *config.Config) {
	for _, w := range c.Warnings {
		a.log.Warn("config", "warning", w)
	}
}

// newRun is a job that was not begun yet.
func (a *App) newRun(j job.Job) *jobRun {
	return &jobRun{
		a: a, job: j, log: a.log.With("job", j.Name), ended: make(chan struct{}), state: "starting", teller: newTeller(a, j.Name),
	}
}

// runs are the jobs of this process at the moment.
func (a *App) runs() []*jobRun {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.jobs)
}

// jobNames are the jobs that the config names, and those that have not ended yet.
func (a *App) jobNames() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := make([]string, 0, len(a.jobs)+len(a.bad))
	for _, r := range a.jobs {
		names = append(names, r.job.Name)
	}
	for _, bad := range a.bad {
		names = append(names, bad.Name)
	}
	return names
}

func (a *App) badJobs() []config.BadJob {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bad
}

// goesOnWithout says whether the process goes on when a job cannot run.
func (a *App) goesOnWithout() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.jobs) > 1 || a.reloaded
}

// tellRegistry has the registry hear of this process at once.
func (a *App) tellRegistry() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// notFollowed is what of the config is not done in this process, and why.
func (a *App) notFollowed() []admin.Problem {
	var problems []admin.Problem
	a.mu.Lock()
	if a.unread != "" {
		problems = append(problems, admin.Problem{What: "the config was read again and is not followed", Why: a.unread})
	}
	a.mu.Unlock()
	for _, r := range a.runs() {
		r.mu.Lock()
		if r.state == "refused" && r.why != nil {
			problems = append(problems, admin.Problem{What: "job " + r.job.Name, Why: r.why.Error()})
		} else if r.other != nil {
			problems = append(problems, admin.Problem{What: "job " + r.job.Name, Why: r.other.Error()})
		}
		r.mu.Unlock()
	}
	for _, bad := range a.badJobs() {
		problems = append(problems, admin.Problem{What: "job " + bad.Name, Why: bad.Err.Error()})
	}
	return problems
}

// runJobs runs the jobs, from each reload on those of the new config, until ctx
// ends. It ends by itself where no job of the config that the process began with can
// run; after a reload people are at hand, who may mend it.
func (a *App) runJobs(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	began := a.runs()
	for _, r := range began {
		a.begin(ctx, &all, r, nil)
	}
	noneLeft := make(chan struct{})
	all.Go(func() {
		defer close(noneLeft)
		for _, r := range began {
			<-r.ended
		}
	})
	alone := noneLeft // nil after a reload
	for {
		select {
		case c := <-a.reloads:
			a.follow(ctx, &all, c)
			alone = nil
		case <-alone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// begin runs a job, after the run whose place it takes has ended.
func (a *App) begin(ctx context.Context, all *sync.WaitGroup, r, before *jobRun) {
	ctx, r.cancel = context.WithCancel(ctx)
	all.Go(func() {
		defer close(r.ended)
		defer r.cancel()
		if before != nil {
			<-before.ended
		}
		r.run(ctx)
	})
}

// follow ends the jobs that a config does not name any more, begins those that are
// new, and does both with those whose settings changed or that could not run. It does
// not touch the others.
func (a *App) follow(ctx context.Context, all *sync.WaitGroup, c *config.Config) {
	const begun, changed, ended = "begun", "changed", "ended"
	did := map[string][]string{}
	place := map[*jobRun]*jobRun{} // who comes instead of whom
	a.mu.Lock()
	before := a.jobs
	a.jobs, a.bad, a.reloaded = nil, nil, true
	for _, j := range c.Jobs {
		at := slices.IndexFunc(before, func(r *jobRun) bool { return r.job.Name == j.Name })
		switch {
		case at < 0:
			r := a.newRun(j)
			a.jobs, place[r] = append(a.jobs, r), nil
			did[begun] = append(did[begun], j.Name)
		case before[at].leaves || before[at].over() || !reflect.DeepEqual(before[at].job, j):
			r := a.newRun(j)
			a.jobs, place[r] = append(a.jobs, r), before[at]
			did[changed] = append(did[changed], j.Name)
		default:
			a.jobs = append(a.jobs, before[at])
		}
	}
	named := len(a.jobs)
	var leaving []*jobRun
	for _, r := range before {
		if slices.ContainsFunc(a.jobs[:named], func(other *jobRun) bool { return other.job.Name == r.job.Name }) {
			continue
		}
		if !r.leaves {
			r.leaves = true
			leaving = append(leaving, r)
			did[ended] = append(did[ended], r.job.Name)
		}
		a.jobs = append(a.jobs, r) // until it has ended
	}
	a.mu.Unlock()

	a.warn(c)
	a.log.Info("the config was read again", begun, did[begun], changed, did[changed], ended, did[ended], "as_before", named-len(did[begun])-len(did[changed]))
	if keys := a.c.CommonDiffers(c); len(keys) > 0 {
		a.log.Warn("only jobs and defaults are read again, the rest wants a restart", "changed", strings.Join(keys, " "))
	}
	for _, r := range leaving {
		r.leave()
		all.Go(func() { <-r.ended; a.drop(r) })
	}
	for r, old := range place {
		if old != nil {
			old.leave()
		}
		a.begin(ctx, all, r, old)
	}
	a.tellRegistry()
}

// leave has a job end as at a stop of the process: what is in hand may be finished
// within the shutdown time-out, the rest is handed back.
func (r *jobRun) leave() {
	r.set("stopping", nil)
	r.cancel()
}

// over says whether a job has ended by itself.
func (r *jobRun) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// drop forgets a job that left the config and has ended.
func (a *App) drop(r *jobRun) {
	a.mu.Lock()
	a.jobs = slices.DeleteFunc(a.jobs, func(other *jobRun) bool { return other == r })
	a.mu.Unlock()
	r.log.Info("the job left the config and has ended here; its cursors and open callbacks are kept")
	a.tellRegistry()
}

// forget takes what was said of a job that ends out of what this process shows.
func (r *jobRun) forget() {
	r.a.setDown("tables of job "+r.job.Name, "")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.worker, r.other = nil, nil
}
