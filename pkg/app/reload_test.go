package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// second is another job over the same tables, whose rows nobody is called for.
func (w *world) second() job.Job {
	j := w.job
	j.Name = "second"
	j.Destinations = []job.Destination{w.job.Destinations[0]}
	j.Destinations[0].Callback.Off = true
	return j
}

// statOf is a counter of any job.
func (w *world) statOf(name, counter string) int64 {
	n, _ := w.server.Client.HGet(context.Background(), w.prefix+"{"+name+"}:stats", counter).Int64()
	return n
}

// leader is who holds the lock of a job, with the token of its lead.
func (w *world) leader(name string) string {
	return w.server.Client.Get(context.Background(), w.prefix+"{"+name+"}:lock").Val()
}

func (w *world) cursors(name string) map[string]string {
	return w.server.Client.HGetAll(context.Background(), w.prefix+"{"+name+"}:cursor").Val()
}

// local is what a process says of its jobs.
func (p *process) local() map[string]string {
	p.t.Helper()
	s, err := p.Status(p.t.Context())
	require.NoError(p.t, err)
	status, is := s.(app.Status)
	require.True(p.t, is)
	return status.Local
}

// retired says of each job whether no scheduler has it in its config.
func (w *world) retired() map[string]bool {
	w.t.Helper()
	s, err := app.FleetStatus(w.t.Context(), w.redis)
	require.NoError(w.t, err)
	all := map[string]bool{}
	for _, j := range s.Jobs {
		all[j.Name] = j.Retired
	}
	return all
}

// registered is what the fleet knows of a process.
func (w *world) registered(role app.Role) job.Process {
	s, err := app.FleetStatus(context.Background(), w.redis)
	if err != nil {
		return job.Process{}
	}
	for _, p := range s.Processes {
		if p.Role == string(role) {
			return p
		}
	}
	return job.Process{}
}

func TestAJobThatIsNewBeginsAndOneThatLeftEndsWhileTheOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	w.insert(w.source, 1)
	p := w.runConfig(app.Both, w.config(w.job))
	w.done(1)
	w.receiver.Behave(func(n int, b callbacktest.Body) callbacktest.Reply {
		answer := w.repairing()(n, b)
		answer.Delay = time.Second
		return answer
	})
	w.insert(w.source, 2)
	w.until(func() bool { return w.receiver.Count() == 2 }, "a call is in flight")
	lock, cursors := w.leader("shop"), w.cursors("shop")

	p.Reload(w.config(w.job, w.second()), nil)
	w.until(func() bool { return w.statOf("second", "rows") == 2 }, "the new job compares")
	require.Equal(t, map[string]string{"shop": "running", "second": "running"}, p.local())
	require.Len(t, w.log.lines("the config was read again", "begun=[second]", "as_before=1"), 1)
	require.Equal(t, lock, w.leader("shop"), "the lead was not given up")
	require.Equal(t, cursors, w.cursors("shop"))

	p.Reload(w.config(w.job), nil)
	w.until(func() bool { return len(w.log.lines("left the config", "job=second")) == 1 }, "it has ended")
	require.Equal(t, map[string]string{"shop": "running"}, p.local())
	require.Empty(t, w.leader("second"))
	require.Equal(t, map[string]string{"insert:" + w.job.Source.Shard.String(): "2"}, w.cursors("second"), "its cursor is kept")
	w.until(func() bool { return w.registered(app.Both).Jobs == "shop" }, "the fleet is told at once")
	require.Equal(t, map[string]bool{"shop": false, "second": true}, w.retired())
	_, err := w.operator().Remove(t.Context(), app.Removal{Job: "shop", Who: "eva", Reason: "a slip"})
	require.True(t, app.Mistaken(err))
	require.ErrorContains(t, err, "job shop is still run by cupid ")

	w.insert(w.source, 3)
	w.done(3)
	require.Equal(t, 3, w.receiver.Count(), "what was in flight was not cut off and sent again")
	require.Equal(t, lock, w.leader("shop"), "the other job was led by the same lead all the time")
	p.Reload(w.config(w.job, w.second()), nil)
	w.until(func() bool { return w.statOf("second", "rows") == 3 }, "it goes on from its cursor")
	require.Equal(t, map[string]bool{"shop": false, "second": false}, w.retired())
	require.NoError(t, p.stop())
	require.Len(t, w.log.lines("leading the job", "job=shop"), 1)
}

func TestAJobWithOtherSettingsIsBegunAnewWithWhatItHeldInHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.callback().Concurrency, w.callback().Timeout = 1, 5*time.Second
	w.receiver.Behave(func(int, callbacktest.Body) callbacktest.Reply { return callbacktest.Reply{Hang: true} })
	w.insert(w.source, upTo(3)...)
	p := w.runConfig(app.Both, w.config(w.job))
	w.until(func() bool { return w.receiver.Count() == 1 }, "one call is in flight, the others are leased and wait for it")

	other := callbacktest.New(t, w.repairing())
	changed := w.job
	changed.Destinations = []job.Destination{w.job.Destinations[0]}
	changed.Destinations[0].Callback.URL = other.URL
	began := time.Now()
	p.Reload(w.config(changed), nil)
	w.done(3)
	require.Less(t, time.Since(began), 20*time.Second, "what was in hand was handed back, not left to its lease")
	require.Equal(t, map[callbacktest.Key]int{{ID: "1", Type: 1}: 1, {ID: "2", Type: 1}: 1, {ID: "3", Type: 1}: 1}, other.Counts("id"))
	for _, r := range other.Received() {
		require.Equal(t, "1", r.Header.Get("Cupid-Attempt"), "handing back counts no attempt")
	}
	require.Equal(t, 1, w.receiver.Count(), "the old address is called no more")
	require.Len(t, w.log.lines("the config was read again", "changed=[shop]", "as_before=0"), 1)
	require.EqualValues(t, 3, w.stat("rows"), "no row is looked at again")
}

func TestAConfigWithAMistakeChangesNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	p := w.runConfig(app.Both, w.config(w.job))
	w.until(func() bool { return p.local()["shop"] == "running" }, "it works")
	lock := w.leader("shop")

	p.Reload(nil, &config.Error{File: "shop.yaml", Mistakes: []config.Mistake{
		{Path: "jobs[0].rangeRows", Found: "found 0", Allowed: "want 1 or more"}, {Path: "lease", Found: "found 1s", Allowed: "want 10s or more"},
	}})
	said := w.log.lines("the config was read again and has mistakes", "jobs[0].rangeRows: found 0, want 1 or more; shop.yaml: lease: found 1s")
	require.Len(t, said, 1, "all mistakes in one line")
	ready, why := p.Ready(t.Context())
	require.False(t, ready)
	require.Contains(t, why, "jobs[0].rangeRows: found 0")
	w.until(func() bool { return strings.Contains(w.registered(app.Both).Refused, "lease: found 1s") }, "the fleet sees it")

	half := w.config(w.second())
	half.Bad = []config.BadJob{{Name: "shop", Err: &config.Error{File: "shop.yaml", Mistakes: []config.Mistake{{Path: "jobs[0].table", Found: "missing"}}}}}
	p.Reload(half, nil)
	slow := w.job
	slow.Destinations = []job.Destination{w.job.Destinations[0]}
	slow.Destinations[0].Callback.Timeout = 15 * time.Second
	longer := w.config(slow)
	longer.Process.Lease = time.Minute
	p.Reload(longer, nil)
	require.Len(t, w.log.lines("has mistakes, all goes on as before", "jobs[0].table: missing"), 1, "a good job beside a bad one does not begin")
	require.Len(t, w.log.lines("has mistakes, all goes on as before", "which stays 30s until a restart"), 1)

	w.insert(w.source, 1)
	w.done(1)
	require.Equal(t, map[string]string{"shop": "running"}, p.local())
	require.Equal(t, lock, w.leader("shop"))

	good := w.config(w.job)
	good.Log.Dir, good.Process.Lease = "/elsewhere", time.Minute
	p.Reload(good, nil)
	w.until(func() bool { ready, _ := p.Ready(context.Background()); return ready }, "it is well again")
	w.until(func() bool { return w.registered(app.Both).Refused == "" }, "the fleet sees that too")
	restart := w.log.lines("only jobs and defaults are read again", "http.addr", "log.dir", "lease")
	require.Len(t, restart, 1)
	require.NotContains(t, restart[0], "redis")
}

func TestAJobThatCouldNotRunIsTriedAgainAtAReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	p := w.runConfig(app.Both, w.config(w.job))
	w.until(func() bool { return p.local()["shop"] == "running" }, "it works")
	wrong := w.job
	wrong.Source.Shard.Table = "later"
	wrong.Name = "later"
	p.Reload(w.config(wrong), nil)
	w.until(func() bool { return p.local()["later"] == "refused" && p.local()["shop"] == "" }, "nothing runs, and it goes on")
	w.source.Exec(t, "CREATE TABLE later LIKE shop")
	p.Reload(w.config(wrong), nil)
	w.until(func() bool { return p.local()["later"] == "running" }, "it is looked at again")
	require.NoError(t, p.stop())
}

func TestAWorkerWithAnotherConfigThanTheLeaderShowsItUntilBothHaveTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	scheduler := w.runConfig(app.Scheduler, w.config(w.job))
	worker := w.runConfig(app.Worker, w.config(w.job))
	w.insert(w.source, 1)
	w.done(1)

	moved := w.job
	moved.Destinations = []job.Destination{w.job.Destinations[0]}
	moved.Destinations[0].Columns = moved.Destinations[0].Columns[:1]
	worker.Reload(w.config(moved), nil)
	const other = "the scheduler that leads it has other columns or destinations"
	w.until(func() bool { return strings.Contains(w.registered(app.Worker).Refused, other) }, "the fleet sees it")
	ready, why := worker.Ready(t.Context())
	require.False(t, ready)
	require.Contains(t, why, other)
	require.NotEmpty(t, w.log.lines("this job gets no work here", other))
	w.insert(w.source, 2)
	require.False(t, eventually.Holds(time.Second, func() bool { return w.stat("rows") > 1 }), "it takes nothing")

	scheduler.Reload(w.config(moved), nil)
	w.done(2)
	w.until(func() bool { return w.registered(app.Worker).Refused == "" }, "it heals by itself")
	require.NotEmpty(t, w.log.lines("the leader has the same config again"))
}

func TestTheEndsOfReloadedJobsAreInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.runConfig(app.Both, w.config(w.job))
	w.until(func() bool { return p.local()["shop"] == "running" }, "it works")
	for i := range 6 { // faster than a job ends
		j := w.job
		j.RangeRows = 100 + i
		p.Reload(w.config(j, w.second()), nil)
		p.Reload(w.config(j), nil)
	}
	began := time.Now()
	require.NoError(t, p.stop())
	require.Less(t, time.Since(began), 10*time.Second)
	require.Empty(t, w.leader("shop"))
}
