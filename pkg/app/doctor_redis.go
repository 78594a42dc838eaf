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
)

// redis looks at the fleet's Redis, and at the processes that it knows.
func (d *doctor) redis(ctx context.Context) []Finding {
	if d.c.Redis == nil {
		return []Finding{{FoundOK, CheckRedis, d.c.Path, "no Redis is named: one cupid keeps its work in its state file", ""}}
	}
	where := "redis " + strings.Join(d.c.Redis.Addrs, ", ")
	b := broker.Open(*d.c.Redis, broker.Options{Name: "cupid-doctor"})
	defer b.Close() //nolint:errcheck // nothing was written
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
	return append(all, company(where, processes)...)
}

// unwell is a Redis that does not answer, or refuses.
func unwell(where, addr string, err error) Finding {
	f := Finding{FoundProblem, CheckRedis, where, strings.TrimPrefix(firstLine(err), "redis: "), "start it, let this host in, or correct redis.addr"}
	if host, port, bad := net.SplitHostPort(addr); bad == nil {
		f.Mend += fmt.Sprintf("; redis-cli -h %s -p %s PING shows whether it is reached", host, port)
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
		all = append(all, Finding{FoundOK, CheckFleet, where, fmt.Sprintf("%d process(es) run, all of one version", len(processes)), ""})
	}
	return all
}
