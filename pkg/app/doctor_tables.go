package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// tables looks at the tables of a job: rights, columns, indexes, character sets,
// and the time that the update column shows.
func (d *doctor) tables(ctx context.Context, j job.Job) (all []Finding) {
	where := "job " + j.Name
	opened, err := openPools(j, mysql.Options{MaxOpen: 1})
	if err != nil {
		return nil // each DSN that cannot be read is named already
	}
	defer opened.close(discard)
	away := d.away(j, opened)
	plan, err := opened.inspect(ctx, j)
	for _, p := range problems(err) {
		if !slices.Contains(away, p.Where) { // else it is named already
			all = append(all, problemOf(where, FoundProblem, p))
		}
	}
	for _, address := range away {
		all = append(all, Finding{FoundUnchecked, CheckTables, where + ": " + address, "rights, columns, indexes, and what is compared with them: the database does not answer", ""})
	}
	if plan == nil {
		if len(all) == 0 {
			all = append(all, Finding{FoundProblem, CheckTables, where, firstLine(err), "look at the server's log, and run cupid doctor again"})
		}
		return all
	}
	for _, w := range plan.Warnings {
		all = append(all, problemOf(where, FoundWarning, w))
	}
	all = append(all, d.readable(ctx, j, plan, opened)...)
	all = append(all, d.replicas(ctx, j, plan)...)
	all = append(all, d.updateTime(ctx, j, plan.Source)...)
	return append(all, d.fits(ctx, j, plan.Source)...)
}

func problemOf(where string, level Level, p table.Problem) Finding {
	return Finding{level, CheckTables, where + ": " + p.Where, p.What, p.Mend}
}

// away are the addresses of the job's databases that do not answer.
func (d *doctor) away(j job.Job, opened pools) (away []string) {
	for i, dsn := range dsns(j) {
		if _, answers := d.account[dsn.Reveal()]; !answers && !slices.Contains(away, opened[i].Address()) {
			away = append(away, opened[i].Address())
		}
	}
	return away
}

// readable reads a row of each table: a right to write shows its columns too.
func (d *doctor) readable(ctx context.Context, j job.Job, plan *mysql.Plan, opened pools) (all []Finding) {
	add := func(n int, where, table, key string, probe func(context.Context) error) {
		f := Finding{FoundOK, CheckTables, "job " + j.Name + ": " + where, "rights, columns and indexes are there; " + key, ""}
		if err := probe(ctx); err != nil {
			f.Level, f.What, f.Mend = FoundProblem, firstLine(err), "look at the server's log"
			if found := problems(err); len(found) > 0 {
				f.What, f.Mend = found[0].What, opened[n].GrantSQL(table, d.account[dsns(j)[n].Reveal()])
			}
		}
		all = append(all, f)
	}
	access := plan.Source.Access()
	add(0, "source "+plan.Source.Identity(), j.Source.Shard.Table, "scan key "+byIndex(access.ScanKey, access.ScanIndex), plan.Source.Probe)
	for n, p := range plan.Destinations {
		by, index := p.ByColumns()
		add(n+1, "destination "+p.Name(), j.Destinations[n].Table, "byColumn "+byIndex(strings.Join(by, ", "), index), p.Probe)
	}
	return all
}

// updateTime judges the newest update time by the database's clock.
func (d *doctor) updateTime(ctx context.Context, j job.Job, source *mysql.Source) []Finding {
	if !j.Update.Enabled {
		return nil
	}
	f := Finding{Level: FoundOK, Check: CheckUpdateTime, Where: "job " + j.Name + ": " + source.Identity(), What: "the newest " + j.Update.Column + " and the database's clock agree"}
	behind, zone, err := updateTime(ctx, source)
	if err != nil {
		f.Level, f.What = FoundUnchecked, "the newest "+j.Update.Column+": "+firstLine(err)
		return []Finding{f}
	}
	if behind.Abs() <= farFromClock {
		return []Finding{f}
	}
	f.Mend = "if rows are being written now, the column keeps another zone's wall clock: set update.zone"
	if _, offset := time.Now().In(zone).Zone(); behind.Abs() < 15*time.Hour { // wider apart are no two zones
		f.Mend += fmt.Sprintf(", to %q by what is there", wallZone(offset, behind))
	}
	if behind < 0 {
		f.Level = FoundProblem
		f.What = fmt.Sprintf("the newest %s lies %s before the database's clock (%s), in the future: such rows are seen when that time has come", j.Update.Column, -behind, zone)
	} else {
		f.Level = FoundWarning
		f.What = fmt.Sprintf("the newest %s lies %s behind the database's clock (%s)", j.Update.Column, behind, zone)
	}
	return []Finding{f}
}

// wallZone is the zone, in steps of a quarter of an hour as zones have them, whose
// wall clock lies so far behind that of an offset.
func wallZone(offset int, behind time.Duration) string {
	zone := time.Duration(offset)*time.Second - behind.Round(15*time.Minute)
	return time.Time{}.In(time.FixedZone("", int(zone.Seconds()))).Format("-07:00")
}
