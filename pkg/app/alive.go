package app

import (
	"context"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/scheduler"
	"github.com/masixun71/cupid-go/pkg/worker"
)

var (
	_ scheduler.Pulse = (*jobRun)(nil)
	_ worker.Pulse    = (*jobRun)(nil)
)

// turnTime is what one turn of a loop may take before it counts as hanging. Every
// statement, POST and command of Redis ends within a lease, but one turn makes several.
func (a *App) turnTime() time.Duration { return 10 * a.c.Process.Lease }

// loop is a loop's name in this process.
func (r *jobRun) loop(name string) string {
	if name == worker.Comparer {
		return name
	}
	return name + " of job " + r.job.Name
}

// Turn notes that a loop of the job turns and then rests.
func (r *jobRun) Turn(loop string, rest time.Duration) {
	r.a.pulse.Turn(r.loop(loop), 2*rest+r.a.turnTime())
}

// End notes that a loop of the job has ended.
func (r *jobRun) End(loop string) { r.a.pulse.End(r.loop(loop)) }

// hanging are the loops that do not turn any more.
func (a *App) hanging() []admin.Problem {
	var problems []admin.Problem
	for _, s := range a.pulse.Silent() {
		problems = append(problems, admin.Problem{What: s.Loop, Why: "has not turned for " + s.For.Round(time.Second).String()})
	}
	return problems
}

// Alive says whether all loops turn, and which do not.
func (a *App) Alive() (alive bool, why string) { return none(a.hanging()) }

// Working says whether a job runs; Redis and its databases have answered then.
func (a *App) Working() bool {
	for _, r := range a.runs() {
		if r.is("running") {
			return true
		}
	}
	return false
}

func (r *jobRun) is(state string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state == state
}

// Ready says whether Redis answers and every job runs, and what is missing.
func (a *App) Ready(ctx context.Context) (ready bool, why string) { return none(a.notReady(ctx)) }

// none says whether there is no problem, and puts those that there are into a line.
func none(problems []admin.Problem) (none bool, why string) {
	return len(problems) == 0, line(problems)
}

func line(problems []admin.Problem) string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.What + ": " + strings.ReplaceAll(p.Why, "\n", "; ")
	}
	return strings.Join(texts, "; ")
}
