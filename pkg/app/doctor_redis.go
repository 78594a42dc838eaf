package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// redis looks at the fleet's Redis, and at the processes that it knows.
func (d *doctor) redis(ctx context.Context) []Finding {
	if d.broker == nil {
		return []Finding{{FoundOK, CheckRedis, d.c.Path, "no Redis is named: one cupid keeps its work in its state file", ""}}
	}
	where := "redis " + strings.Join(d.c.Redis.Addrs, ", ")
	b := d.broker
	before := d.o.Now()
	servers, err := b.Examine(ctx)
	after := d.o.Now()
	var all []Finding
	for _, s := range servers {
		at := where
		if d.c.Redis.Cluster || len(servers) > 1 {
			at = "redis " + s.Addr
		}
		all = append(all, server(at, s)...)
		all = append(all, d.clock(at, s.Now, before, after))
	}
	if err != nil {
		all = append(all, unwell(where, d.c.Redis.Addrs[0], err))
	}
	if len(servers) == 0 {
		return append(all, Finding{FoundUnchecked, CheckFleet, where, "settings, clock and the processes of the fleet: it does not answer", ""})
	}
	processes, err := b.Processes(ctx)
	if err != nil {
		return append(all, unwell(where, d.c.Redis.Addrs[0], err))
	}
	jobs, err := b.Jobs(ctx)
	if err != nil {
		return append(all, unwell(where, d.c.Redis.Addrs[0], err))
	}
	all = append(all, company(where, processes)...)
	return append(all, d.led(processes, jobs)...)
}

// unwell is a Redis that does not answer, or refuses.
func unwell(where, addr string, err error) Finding {
	f := Finding{FoundProblem, CheckRedis, where, strings.TrimPrefix(firstLine(err), "redis: "), "start it, let this host in, or correct redis.addr"}
	if host, port, bad := net.SplitHostPort(addr); bad == nil {
		f.Mend += fmt.Sprintf("; redis-cli -h %s -p %s PING shows whether it is reached", host, port) // a sentinel answers too
	}
	if errors.Is(err, broker.ErrRefused) {
		f.Mend = "correct the redis block of the config; ACL LOG on the server shows what was refused"
	}
	return f
}

// server judges the settings of one server.
func server(where string, s broker.Server) (all []Finding) {
	for _, r := range s.Remarks {
		level := FoundWarning
		if r.Refused {
			level = FoundProblem
		}
		all = append(all, Finding{level, CheckRedis, where, r.What, r.Mend})
	}
	if s.Replica {
		all = append(all, Finding{FoundProblem, CheckRedis, where, "it is a replica, which takes no writes", "name the primary in redis.addr, or the sentinels with redis.master"})
	}
	limit := "no maxmemory"
	if s.Limit > 0 {
		limit = fmt.Sprintf("%d MB allowed", s.Limit>>20)
	}
	used := Finding{FoundOK, CheckRedis, where, fmt.Sprintf("version %s, %d MB used, %s", s.Version, s.Used>>20, limit), ""}
	if s.Full() {
		used.Level, used.What = FoundProblem, used.What+": nothing more is claimed or compared"
		used.Mend = "redis-cli CONFIG SET maxmemory to more, or look at what waits: cupid jobs"
	}
	return append(all, used)
}

// company judges the processes by what they say of themselves.
func company(where string, processes []Process) (all []Finding) {
	versions := map[string][]string{}
	for _, p := range processes {
		versions[p.Version] = append(versions[p.Version], p.Role+" "+p.ID)
		if p.Stale {
			all = append(all, Finding{FoundWarning, CheckFleet, where, fmt.Sprintf("%s %s is silent for %d s", p.Role, p.ID, p.Silent),
				"look at it on host " + p.Host + ": it was killed, hangs, or does not reach Redis; after a minute it is forgotten"})
		}
		if p.Refused != "" {
			all = append(all, Finding{FoundWarning, CheckFleet, where, fmt.Sprintf("%s %s does not do all of its config: %s", p.Role, p.ID, p.Refused),
				"give all processes the same config without mistakes, and send each of them SIGHUP"})
		}
	}
	if len(versions) > 1 {
		var lines []string
		for _, version := range slices.Sorted(maps.Keys(versions)) {
			lines = append(lines, version+": "+strings.Join(versions[version], ", "))
		}
		all = append(all, Finding{FoundWarning, CheckFleet, where, "several versions run together: " + strings.Join(lines, "; "),
			"while you roll out that is fine; else restart those of the older version"})
	}
	if len(all) == 0 {
		all = append(all, Finding{FoundOK, CheckFleet, where, fmt.Sprintf("%d process(es) run, none of another version", len(processes)), ""})
	}
	return all
}

// led judges who works on the jobs of the config; nobody does before a fleet is started.
func (d *doctor) led(processes []Process, states []job.State) (all []Finding) {
	for _, p := range processes {
		if p.Quiet != "" {
			all = append(all, Finding{FoundWarning, CheckFleet, "process " + p.ID, "it fetches nothing more, held by " + p.Quiet, "cupid workers resume " + p.ID})
		}
	}
	known := map[string]job.State{}
	for _, s := range states {
		known[s.Name] = s
	}
	for _, j := range d.c.Jobs {
		add := func(what, mend string) {
			all = append(all, Finding{FoundWarning, CheckFleet, "job " + j.Name, what, mend})
		}
		on := func(role Role) bool {
			return slices.ContainsFunc(processes, func(p Process) bool {
				return (p.Role == string(role) || p.Role == string(Both)) && slices.Contains(strings.Fields(p.Jobs), j.Name)
			})
		}
		if len(processes) > 0 && known[j.Name].Leader == "" {
			add("no scheduler leads it: nothing new is compared", "start a scheduler with this config, or look at the log of the one that runs")
		}
		if len(processes) > 0 && !on(Worker) {
			add("no worker works on it: nothing is compared or called", "start a worker with this config")
		}
		if paused := known[j.Name].Paused; paused != "" {
			add("it is paused by "+paused, "cupid resume "+j.Name)
		}
	}
	return all
}

// fits judges whether the fleet knows a job as this config has it.
func (d *doctor) fits(ctx context.Context, j job.Job, source *mysql.Source) []Finding {
	if d.broker == nil {
		return nil
	}
	details, err := fingerprint(j)
	if err != nil {
		return nil // which every process says at its start
	}
	q, err := d.broker.Queue(broker.QueueConfig{Job: j.Name, Spec: broker.Spec{Identity: source.Identity(), Details: details}})
	if err == nil {
		err = q.Fits(ctx)
	}
	other, is := errors.AsType[*job.SpecError](err)
	switch {
	case !is:
		return nil // a Redis that does not answer is named already
	case other.Field == "identity":
		return []Finding{{FoundProblem, CheckFleet, "job " + j.Name, "this Redis knows it with another source or scan key: " + other.Found + ", this config says " + other.Mine,
			"give the job another name, or, if the table has really moved, remove the old note: redis-cli HDEL '" + d.broker.SpecKey(j.Name) + "' identity"}}
	default:
		return []Finding{{FoundWarning, CheckFleet, "job " + j.Name, "the running fleet has other columns, destinations or callback addresses than this config: a worker with this config gets no work",
			"give all processes the same config and restart them"}}
	}
}
