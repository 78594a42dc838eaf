package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/broker"
)

// Process is what a process says of itself.
type Process = job.Process

// Head is what stands first in a queue.
type Head = job.Head

// Status is what the fleet looks like from one process.
type Status struct {
	Process   job.Process   `json:"process"` // who answers
	Processes []job.Process `json:"processes"`
	Jobs      []JobStatus   `json:"jobs"`
	// Told is what people were told of that goes on in the whole fleet, and since when they know.
	Told map[string]time.Time `json:"told"`
	// Local is the state of each job in the answering process: starting, running, refused.
	Local map[string]string `json:"local"`
}

// JobStatus is a job's state with its rates over the last second.
type JobStatus struct {
	job.State
	RowsPerSecond      int64 `json:"rows_per_second"`
	CallbacksPerSecond int64 `json:"callbacks_per_second"`
}

// Behind says how far a scan was behind at its leader's last beat; scan is a
// key of Cursors. It is empty when nobody has said so yet.
func (j JobStatus) Behind(scan string) string {
	n, known := j.Lag[scan]
	switch {
	case !known:
		return ""
	case n == 0:
		return "up to date"
	case strings.HasPrefix(scan, string(job.Insert)):
		return fmt.Sprintf("%d ids behind", n)
	default:
		return fmt.Sprintf("%s behind", time.Duration(n)*time.Second)
	}
}

// FleetStatus reads the fleet's state from a Redis.
func FleetStatus(ctx context.Context, c broker.Config) (Status, error) {
	b := broker.Open(c, broker.Options{Name: "cupid-status"})
	s, err := readStatus(ctx, b)
	return s, errors.Join(err, b.Close())
}

// readStatus looks twice, a second apart, to tell rates.
func readStatus(ctx context.Context, b *broker.Broker) (Status, error) {
	const apart = time.Second
	before, err := b.Jobs(ctx)
	if err != nil {
		return Status{}, err
	}
	if len(before) > 0 {
		t := time.NewTimer(apart)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return Status{}, ctx.Err()
		}
	}
	var s Status
	if s.Processes, err = b.Processes(ctx); err != nil {
		return s, err
	}
	jobs, err := b.Jobs(ctx)
	if err != nil {
		return s, err
	}
	if s.Told, err = b.Told(ctx, ""); err != nil {
		return s, err
	}
	job.MarkRetired(jobs, s.Processes)
	then := map[string]map[string]int64{}
	for _, j := range before {
		then[j.Name] = j.Stats
	}
	s.Jobs = make([]JobStatus, 0, len(jobs))
	for _, j := range jobs {
		s.Jobs = append(s.Jobs, JobStatus{
			State:              j,
			RowsPerSecond:      j.Stats["rows"] - then[j.Name]["rows"],
			CallbacksPerSecond: j.Stats["delivered"] - then[j.Name]["delivered"],
		})
	}
	return s, nil
}

// Status reads the fleet's state from Redis.
func (a *App) Status(ctx context.Context) (any, error) {
	s, err := readStatus(ctx, a.broker)
	if err != nil {
		return nil, err
	}
	s.Process, s.Local = a.process(), map[string]string{}
	for _, r := range a.runs() {
		r.mu.Lock()
		s.Local[r.job.Name] = r.state
		r.mu.Unlock()
	}
	for _, bad := range a.badJobs() {
		s.Local[bad.Name] = "refused"
	}
	return s, nil
}

// notReady lists what keeps this process from working.
func (a *App) notReady(ctx context.Context) []admin.Problem {
	var problems []admin.Problem
	if err := a.broker.Ping(ctx); err != nil {
		problems = append(problems, admin.Problem{What: broker.Thing, Why: err.Error()})
	}
	for thing, why := range a.outages.now() {
		if thing != broker.Thing {
			problems = append(problems, admin.Problem{What: thing, Why: why})
		}
	}
	a.mu.Lock()
	for what, why := range a.down {
		if what != broker.Thing {
			problems = append(problems, admin.Problem{What: what, Why: why})
		}
	}
	a.mu.Unlock()
	for _, r := range a.runs() {
		if r.is("starting") {
			problems = append(problems, admin.Problem{What: "job " + r.job.Name, Why: "starting"})
		}
	}
	problems = append(problems, a.notFollowed()...)
	sort.Slice(problems, func(i, j int) bool { return problems[i].What < problems[j].What })
	return problems
}

func (a *App) process() job.Process {
	p := job.Process{
		ID: a.id, Role: string(a.role), Host: a.host, PID: os.Getpid(), Version: Version, Address: a.reachable(),
		Jobs: strings.Join(a.jobNames(), " "), RSS: residentBytes(), Started: a.started, Quiet: a.held(),
		Unsent: strings.Join(a.notifier.Failing(), "; "), Refused: line(a.notFollowed()),
	}
	for _, r := range a.runs() {
		if w := r.current(); w != nil {
			p.Busy += w.Busy()
		}
	}
	return p
}

// reachable is the admin address as others may reach it: a process that listens
// on every interface is known by its host's name.
func (a *App) reachable() string {
	host, port, err := net.SplitHostPort(a.Addr())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort(a.host, port)
	}
	return a.Addr()
}

// beat keeps this process in the registry. It ends it where another version has brought its own layout to
// a Redis that was emptied.
func (a *App) beat(ctx context.Context, end context.CancelCauseFunc) {
	const every, listEvery = 10 * time.Second, time.Minute
	var listed time.Time // when the receivers were last put into the list
	told := 0            // how many they were
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer a.pulse.End("beat")
	for {
		a.pulse.Turn("beat", every+a.turnTime())
		err := a.probeRedis(ctx)
		if errors.Is(err, broker.ErrLayout) {
			end(err)
		}
		err = errors.Join(err, a.broker.Beat(ctx, a.process()), a.hearQuiet(ctx))
		for _, r := range a.runs() {
			err = errors.Join(err, a.broker.NoteLag(ctx, r.job.Name, r.takeLag()))
		}
		if hosts := a.called(); len(hosts) > told || time.Since(listed) >= listEvery {
			told, listed = len(hosts), time.Now()
			err = errors.Join(err, a.broker.NoteEndpoints(ctx, hosts))
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("the registry was not told that this process lives", "error", err)
		}
		select {
		case <-tick.C:
		case <-a.changed:
		case <-ctx.Done():
			a.leave(ctx)
			return
		}
	}
}

// called are the receivers that this process calls, of all its jobs.
func (a *App) called() []string {
	var hosts []string
	for _, r := range a.runs() {
		hosts = append(hosts, r.called()...)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// leave takes this process out of the registry when it stops.
func (a *App) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
	defer cancel()
	if err := a.broker.Leave(ctx, a.id); err != nil {
		a.log.Debug("the registry forgets this process by itself", "error", err)
	}
}

// residentBytes is the memory of this process as the kernel counts it; 0 where it does not say.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
