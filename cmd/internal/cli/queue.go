package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// queueFlags are those of the queue commands.
type queueFlags struct {
	app.QueueOptions
	all, json bool
}

// addQueue adds the sub-commands that show and steer open callbacks.
func addQueue(root *cobra.Command) {
	queue := &cobra.Command{Use: "queue", Short: "Show and steer open callbacks", Args: noArguments}
	var listed queueFlags
	ls := &cobra.Command{
		Use: "ls", Short: "List the callbacks of a queue", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return listed.list(c.Context(), root, c.OutOrStdout()) },
	}
	listed.add(ls)
	ls.Flags().IntVar(&listed.First, "first", 0, "first callback to show, from 0")
	ls.Flags().IntVar(&listed.Most, "limit", 50, "callbacks to show")
	queue.AddCommand(ls, showCallback(root), auditCallbacks(root))
	for _, act := range []struct {
		act    app.Act
		short  string
		reason bool
	}{
		{app.ActRetry, "Make callbacks due now, with all fast retries before them", false},
		{app.ActPark, "Have callbacks wait until somebody unparks them", true},
		{app.ActUnpark, "Make parked callbacks due now", false},
		{app.ActDrop, "Forget callbacks until a comparison meets their difference again", true},
	} {
		var f queueFlags
		c := &cobra.Command{
			Use: string(act.act) + " [ID…]", Short: act.short,
			RunE: func(c *cobra.Command, ids []string) error {
				f.IDs = ids
				return f.act(c.Context(), root, act.act, act.reason, c.OutOrStdout())
			},
		}
		f.add(c)
		c.Flags().BoolVar(&f.all, "all", false, "all callbacks of --queue instead of single ones")
		c.Flags().StringVar(&f.Why, "reason", "", "why, for those who look at the events")
		queue.AddCommand(c)
	}
	root.AddCommand(queue)
}

// showCallback is the command that shows one callback.
func showCallback(root *cobra.Command) *cobra.Command {
	var job string
	var asJSON bool
	c := &cobra.Command{
		Use: "show ID -c FILE", Short: "Show one open callback with all that Redis holds of it",
		Args: func(_ *cobra.Command, ids []string) error {
			if len(ids) != 1 {
				return mistake{fmt.Errorf("say one callback, not %d; cupid queue ls shows them", len(ids))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, ids []string) error {
			cfg, err := configOf(root)
			if err != nil {
				return err
			}
			found, err := app.ShowCallback(c.Context(), cfg, job, ids[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), found)
			}
			return showOne(c.OutOrStdout(), found)
		},
	}
	c.Flags().StringVar(&job, "job", "", "job, where the fleet has several")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// auditCallbacks is the command that looks for callbacks which stand in no queue.
func auditCallbacks(root *cobra.Command) *cobra.Command {
	var job string
	var fix, asJSON bool
	c := &cobra.Command{
		Use: "audit -c FILE", Short: "Find callbacks that stand in no queue after somebody deleted keys by hand", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := configOf(root)
			if err != nil {
				return err
			}
			who := ""
			if fix {
				who = whoAmI()
			}
			strays, err := app.StrayCallbacks(c.Context(), cfg, job, who)
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if asJSON {
				return printJSON(out, map[string]any{"strays": append([]string{}, strays...), "read_again": fix})
			}
			for _, id := range strays {
				fmt.Fprintln(out, id)
			}
			switch {
			case len(strays) == 0:
				fmt.Fprintln(out, "every callback stands in a queue")
			case fix:
				fmt.Fprintf(out, "%d callback(s) stood in no queue and are read again\n", len(strays))
			default:
				fmt.Fprintf(out, "%d callback(s) stand in no queue: cupid queue audit --fix has them read again\n", len(strays))
			}
			return nil
		},
	}
	c.Flags().StringVar(&job, "job", "", "job, where the fleet has several")
	c.Flags().BoolVar(&fix, "fix", false, "have them read again, and sent where their rows still differ")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// showOne prints a callback for people: what it waits for, then its fields as Redis has them.
func showOne(out io.Writer, c app.Shown) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "callback\t%s\njob\t%s\nqueue\t%s\n", c.ID, c.Job, c.Queue)
	fmt.Fprintf(w, "difference\t%s at %s, key %s\n", c.Type, c.Destination, c.Key)
	fmt.Fprintf(w, "first seen\t%s\n", moment(c.FirstSeen))
	if !c.Due.IsZero() {
		meaning := map[string]string{"parked": "parked since", "leased": "lease ends"}[c.Queue]
		fmt.Fprintf(w, "%s\t%s\n", cmp.Or(meaning, "due"), moment(c.Due))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		if !slices.Contains([]string{"destination", "key", "type", "first_seen"}, name) {
			fmt.Fprintf(w, "  %s\t%s\n", name, c.Fields[name])
		}
	}
	fmt.Fprintf(w, "its row\tcupid row %s %s\n", c.Job, c.Key)
	return w.Flush()
}

func (f *queueFlags) add(c *cobra.Command) {
	set := c.Flags()
	set.StringVar(&f.Job, "job", "", "job, where the fleet has several")
	set.StringVar(&f.Queue, "queue", "", "one of "+strings.Join(app.Queues(), ", "))
	set.StringVar(&f.Destination, "destination", "", "only callbacks of this destination")
	set.BoolVar(&f.json, "json", false, "print JSON")
}

var errAskQueue = errors.New("say which queue with --queue: one of " + strings.Join(app.Queues(), ", "))

func (f *queueFlags) list(ctx context.Context, root *cobra.Command, out io.Writer) error {
	switch {
	case f.Queue == "":
		return mistake{errAskQueue}
	case f.Most < 1 || f.Most > 10_000 || f.First < 0:
		return mistake{errors.New("--limit wants a number from 1 to 10000, --first one from 0")}
	}
	cfg, err := configOf(root)
	if err != nil {
		return err
	}
	all, err := app.ListCallbacks(ctx, cfg, f.QueueOptions)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "no callback is there")
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTYPE\tATTEMPTS\tFIRST SEEN\tDUE\tLAST")
	for _, c := range all {
		last := strings.TrimSpace(c.Status + " " + c.Error)
		if c.Hold != "" {
			last = strings.TrimSpace("held by " + c.Hold + " " + c.Why)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.Type, c.Attempts, moment(c.FirstSeen), moment(c.Due), last)
	}
	return w.Flush()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateTime)
}

func (f *queueFlags) act(ctx context.Context, root *cobra.Command, act app.Act, reason bool, out io.Writer) error {
	switch {
	case len(f.IDs) == 0 && !f.all:
		return mistake{errors.New("say which callbacks: their ids, or --all with --queue; cupid queue ls shows them")}
	case len(f.IDs) > 0 && f.all:
		return mistake{errors.New("say either ids or --all")}
	case f.all && f.Queue == "":
		return mistake{errAskQueue}
	case reason && strings.TrimSpace(f.Why) == "":
		return mistake{fmt.Errorf("%s wants --reason: whoever looks at the events later will ask", act)}
	}
	cfg, err := configOf(root)
	if err != nil {
		return err
	}
	f.Who = whoAmI()
	did, err := app.ActOnCallbacks(ctx, cfg, act, f.QueueOptions)
	if f.json && err == nil {
		return printJSON(out, did)
	}
	for _, word := range slices.Sorted(maps.Keys(did)) {
		fmt.Fprintf(out, "%s\t%d\n", word, did[word])
	}
	if len(did) == 0 && err == nil {
		fmt.Fprintln(out, "no callback is there")
	}
	return err
}

// whoAmI names the person for the events.
func whoAmI() string {
	name := os.Getenv("SUDO_USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
