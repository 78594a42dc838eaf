package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/masixun71/cupid-go/pkg/app"
)

// jobs prints a line for each scan of each job; what is the whole job's stands in its first.
func jobs(ctx context.Context, out io.Writer, t *target) error {
	s, err := t.status(ctx)
	if err != nil {
		return err
	}
	if t.json {
		return printJSON(out, s.Jobs)
	}
	if len(s.Jobs) == 0 {
		fmt.Fprintln(out, "no job is known yet")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "JOB\tLEADER\tRANGES\tOPEN\tPARKED\tSCAN\tCURSOR\tLAG\tPAUSED")
	for _, j := range s.Jobs {
		leader := orNone(j.Leader)
		if j.Retired {
			leader = "(retired)"
		}
		whole := fmt.Sprintf("%s\t%s\t%d\t%d\t%d", j.Name, leader, j.Depths["ranges"]+j.Depths["ranges:leased"]+j.Depths["ranges:retry"],
			j.Open, j.Depths["callbacks:parked"]+j.Depths["ranges:parked"])
		scans := slices.Sorted(maps.Keys(j.Cursors))
		if len(scans) == 0 {
			scans = []string{"(none)"}
		}
		for _, scan := range scans {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", whole, scan, cmp.Or(j.Cursors[scan], "-"), cmp.Or(j.Behind(scan), "-"), j.Paused)
			whole, j.Paused = "\t\t\t\t", ""
		}
	}
	return w.Flush()
}

// workers prints a line for each process.
func workers(ctx context.Context, out io.Writer, t *target) error {
	s, err := t.status(ctx)
	if err != nil {
		return err
	}
	if t.json {
		return printJSON(out, s.Processes)
	}
	if len(s.Processes) == 0 {
		fmt.Fprintln(out, "no process is running")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "HOST\tPID\tROLE\tVERSION\tADDRESS\tBUSY\tMEMORY\tBEAT")
	for _, p := range s.Processes {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%d\t%d MB\t%s\n", p.Host, p.PID, p.Role, p.Version, p.Address, p.Busy, p.RSS>>20, beat(p))
	}
	return w.Flush()
}

// beat says how long ago a process was heard of.
func beat(p app.Process) string {
	ago := (time.Duration(p.Silent) * time.Second).String() + " ago"
	if p.Stale {
		ago += ", STALE"
	}
	if p.Quiet != "" {
		ago += ", QUIET"
	}
	return ago
}
