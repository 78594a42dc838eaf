package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
)

// patience is how long an answer may take.
const patience = 10 * time.Second

// errUnhealthy says that the answer was printed and is no.
var errUnhealthy = errors.New("not healthy")

// addOperators adds the sub-commands that ask running processes.
func addOperators(root *cobra.Command) {
	asked := &target{root: root}
	health := &cobra.Command{
		Use: "health", Short: "Ask every process of the fleet whether it is alive and ready", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			return health(c.Context(), c.OutOrStdout(), asked)
		},
	}
	asked.add(health)
	root.AddCommand(health)
	for _, look := range []struct {
		c    *cobra.Command
		show func(context.Context, io.Writer, *target) error
	}{
		{&cobra.Command{Use: "status", Short: "Show jobs, cursors, queues and processes"}, status},
		{&cobra.Command{Use: "jobs", Short: "Show each job's leader, cursors and open callbacks in a line"}, jobs},
		{&cobra.Command{Use: "workers", Short: "Show the running processes, schedulers too"}, workers},
	} {
		var every time.Duration
		look.c.Args = noArguments
		look.c.RunE = func(c *cobra.Command, _ []string) error {
			show := func(ctx context.Context, out io.Writer) error { return look.show(ctx, out, asked) }
			if !c.Flags().Changed("watch") {
				return show(c.Context(), c.OutOrStdout())
			}
			return watch(c.Context(), c.OutOrStdout(), every, show)
		}
		set := look.c.Flags()
		asked.addTo(look.c)
		set.DurationVar(&every, "watch", 0, "show it again and again, with this pause in between, until interrupted")
		set.Lookup("watch").NoOptDefVal = "2s"
		root.AddCommand(look.c)
		if look.c.Name() == "jobs" {
			addRemove(look.c, root)
		}
		if look.c.Name() == "workers" {
			addQuiet(look.c, root)
		}
	}
	addQueue(root)
	addPause(root)
	addEvents(root)
}

// configOf reads the file that -c names.
func configOf(root *cobra.Command) (*config.Config, error) {
	return (&flags{path: (&target{root: root}).path()}).load()
}

func health(ctx context.Context, out io.Writer, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	addrs := map[string]string{t.addr: ""}
	if t.addr == "" {
		s, err := t.status(ctx)
		if err != nil {
			return err
		}
		if len(s.Processes) == 0 {
			fmt.Fprintln(out, "no process is running")
			return errUnhealthy
		}
		clear(addrs)
		for _, p := range s.Processes {
			addrs[p.Address] = p.Role + " " + p.ID
		}
	}
	var bad error
	for _, addr := range slices.Sorted(maps.Keys(addrs)) {
		line, ok := app.Health(ctx, addr)
		if !ok {
			bad = errUnhealthy
		}
		fmt.Fprintln(out, strings.TrimSpace(addrs[addr]+" "+addr+": "+line))
	}
	return bad
}

func status(ctx context.Context, out io.Writer, t *target) error {
	s, err := t.status(ctx)
	if err != nil {
		return err
	}
	if t.json {
		return printJSON(out, s)
	}
	return show(out, s)
}

// show prints the status for people.
func show(out io.Writer, s app.Status) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, j := range s.Jobs {
		fmt.Fprintf(w, "job %s\t%s\n", j.Name, j.Source)
		fmt.Fprintf(w, "  leader\t%s\n", orNone(j.Leader))
		if j.Retired {
			fmt.Fprintf(w, "  retired\tno scheduler has it in its config; cupid jobs rm %s forgets it\n", j.Name)
		}
		if j.Paused != "" {
			fmt.Fprintf(w, "  paused\t%s\n", j.Paused)
		}
		for _, d := range slices.Sorted(maps.Keys(j.Held)) {
			fmt.Fprintf(w, "  held\tcallbacks of %s: %s; cupid resume %s --destination %s sends them\n", d, j.Held[d], j.Name, d)
		}
		for _, scan := range slices.Sorted(maps.Keys(j.Cursors)) {
			fmt.Fprintf(w, "  cursor %s\t%s%s\n", scan, orNone(j.Cursors[scan]), behind(j, scan))
		}
		fmt.Fprintf(w, "  done\t%d ranges, %d rows compared, %d rows per second, %d differing\n",
			j.Stats["ranges"], j.Stats["rows"], j.RowsPerSecond, j.Stats["differences"])
		if n := j.Stats["null_keys"]; n > 0 {
			fmt.Fprintf(w, "  no key\t%d rows with NULL in the byColumn: they count as missing, and nothing can make them equal\n", n)
		}
		if n := j.Stats["unexplained"]; n > 0 {
			fmt.Fprintf(w, "  unexplained\t%d rows whose hashes differ on the servers while no column does: see the log of the workers\n", n)
		}
		fmt.Fprintf(w, "  callbacks\t%d delivered, %d per second, %d failed, %d unanswered, %d closed equal, %d closed gone\n",
			j.Stats["delivered"], j.CallbacksPerSecond, j.Stats["failed"], j.Stats["unanswered"], j.Stats["closed_equal"], j.Stats["closed_gone"])
		for _, name := range slices.Sorted(maps.Keys(j.Depths)) {
			if n := j.Depths[name]; n > 0 {
				fmt.Fprintf(w, "  %s\t%d%s\n", name, n, firstOf(j.Heads[name]))
			}
		}
		showTold(w, "  ", j.Told)
	}
	showTold(w, "", s.Told)
	if len(s.Jobs) == 0 {
		fmt.Fprintln(w, "no job is known yet")
	}
	for _, p := range s.Processes {
		fmt.Fprintf(w, "process %s\t%s, version %s, %s, %d in work, %d MB, beat %s\n",
			p.ID, p.Role, p.Version, p.Address, p.Busy, p.RSS>>20, beat(p))
		if p.Quiet != "" {
			fmt.Fprintf(w, "  quiet\tfetches nothing more, held by %s\n", p.Quiet)
		}
		if p.Unsent != "" {
			fmt.Fprintf(w, "  alerts are not sent\t%s\n", p.Unsent)
		}
		if p.Refused != "" {
			fmt.Fprintf(w, "  its config\t%s\n", p.Refused)
		}
	}
	return w.Flush()
}

// firstOf says how old the first of a queue is, and when it is due.
func firstOf(h app.Head) string {
	text := ""
	if !h.Since.IsZero() {
		text += ", the first since " + moment(h.Since)
	}
	switch {
	case h.Late > 0:
		text += fmt.Sprintf(", due for %s already", time.Duration(h.Late)*time.Second)
	case !h.Due.IsZero():
		text += ", next due " + moment(h.Due)
	}
	return text
}

// showTold prints what people were told of that goes on.
func showTold(w io.Writer, indent string, told map[string]time.Time) {
	for _, what := range slices.Sorted(maps.Keys(told)) {
		fmt.Fprintf(w, "%salert %s\tpeople know since %s\n", indent, strings.TrimSuffix(what, ":"), told[what].Format(time.RFC3339))
	}
}

// behind is empty when nobody has said yet how far the scan is.
func behind(j app.JobStatus, scan string) string {
	if far := j.Behind(scan); far != "" {
		return ", " + far
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
