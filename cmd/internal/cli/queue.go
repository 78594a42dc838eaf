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

// addQueue adds the sub-commands that show and steer open callbacks.
func addQueue(root *cobra.Command) {
	queue := &cobra.Command{Use: "queue", Short: "Show and steer open callbacks", Args: noArguments}
	queue.AddCommand(listCallbacks(root), showCallback(root), auditCallbacks(root))
	for _, act := range []struct {
		act   app.Act
		short string
	}{
		{app.ActRetry, "Make callbacks due now, with all fast retries before them"},
		{app.ActPark, "Have callbacks wait until somebody unparks them"},
		{app.ActUnpark, "Make parked callbacks due now"},
		{app.ActDrop, "Forget callbacks until a comparison meets their difference again"},
	} {
		queue.AddCommand(actOnCallbacks(root, act.act, act.short))
	}
	root.AddCommand(queue)
}

// listCallbacks is the command that lists a queue.
func listCallbacks(root *cobra.Command) *cobra.Command {
	t := target{root: root}
	var p app.Place
	c := &cobra.Command{
		Use: "ls", Short: "List the callbacks of a queue", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case p.Queue == "":
				return mistake{errAskQueue}
			case p.Most < 1 || p.Most > 10_000 || p.First < 0:
				return mistake{errors.New("--limit wants a number from 1 to 10000, --first one from 0")}
			}
			all := []app.Waiting{}
			err := t.ask(func(fleet app.Operator) (err error) {
				all, err = list(c.Context(), fleet, p)
				return err
			})
			if err != nil {
				return err
			}
			if t.json {
				return printJSON(c.OutOrStdout(), all)
			}
			return showList(c.OutOrStdout(), all)
		},
	}
	addPlace(c, &p.Job, &p.Queue, &p.Destination)
	c.Flags().IntVar(&p.First, "first", 0, "first place of the queue to show, from 0")
	c.Flags().IntVar(&p.Most, "limit", 50, "callbacks to show at most")
	t.addTo(c)
	return c
}

// list goes through the pages of a queue from a place on, up to as many callbacks as are wanted.
func list(ctx context.Context, fleet app.Operator, p app.Place) ([]app.Waiting, error) {
	const page = 1000
	all, most := []app.Waiting{}, p.Most
	for {
		if p.Most = page; p.Destination == "" { // else those of others are passed over
			p.Most = min(page, most-len(all))
		}
		found, err := fleet.Callbacks(ctx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Callbacks...)
		if p.First = found.Next; p.First == 0 || len(all) >= most {
			return all[:min(len(all), most)], nil
		}
	}
}

// showCallback is the command that shows one callback.
func showCallback(root *cobra.Command) *cobra.Command {
	t := target{root: root}
	var job string
	c := &cobra.Command{
		Use: "show ID", Short: "Show one open callback with all that Redis holds of it",
		Args: func(_ *cobra.Command, ids []string) error {
			if len(ids) != 1 {
				return mistake{fmt.Errorf("say one callback, not %d; cupid queue ls shows them", len(ids))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, ids []string) error {
			return t.ask(func(fleet app.Operator) error {
				found, err := fleet.Callback(c.Context(), job, ids[0])
				if err != nil {
					return err
				}
				if t.json {
					return printJSON(c.OutOrStdout(), found)
				}
				return showOne(c.OutOrStdout(), found)
			})
		},
	}
	c.Flags().StringVar(&job, "job", "", "job, where the fleet has several")
	t.addTo(c)
	return c
}

// auditCallbacks is the command that looks for callbacks which stand in no queue.
func auditCallbacks(root *cobra.Command) *cobra.Command {
	t := target{root: root}
	var a app.Audit
	c := &cobra.Command{
		Use: "audit", Short: "Find callbacks that stand in no queue after somebody deleted keys by hand", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			a.Who = whoAmI()
			var strays []string
			err := t.ask(func(fleet app.Operator) (err error) {
				strays, err = fleet.Audit(c.Context(), a)
				return err
			})
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if t.json {
				return printJSON(out, map[string]any{"strays": append([]string{}, strays...), "read_again": a.Fix})
			}
			for _, id := range strays {
				fmt.Fprintln(out, id)
			}
			switch {
			case len(strays) == 0:
				fmt.Fprintln(out, "every callback stands in a queue")
			case a.Fix:
				fmt.Fprintf(out, "%d callback(s) stood in no queue and are read again\n", len(strays))
			default:
				fmt.Fprintf(out, "%d callback(s) stand in no queue: cupid queue audit --fix has them read again\n", len(strays))
			}
			return nil
		},
	}
	c.Flags().StringVar(&a.Job, "job", "", "job, where the fleet has several")
	c.Flags().BoolVar(&a.Fix, "fix", false, "have them read again, and sent where their rows still differ")
	t.addTo(c)
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

func addPlace(c *cobra.Command, job, queue, destination *string) {
	set := c.Flags()
	set.StringVar(job, "job", "", "job, where the fleet has several")
	set.StringVar(queue, "queue", "", "one of "+strings.Join(app.Queues(), ", "))
	set.StringVar(destination, "destination", "", "only callbacks of this destination")
}

var errAskQueue = errors.New("say which queue with --queue: one of " + strings.Join(app.Queues(), ", "))

// showList prints callbacks for people.
func showList(out io.Writer, all []app.Waiting) error {
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

// actOnCallbacks is the command of an act.
func actOnCallbacks(root *cobra.Command, act app.Act, short string) *cobra.Command {
	t := target{root: root}
	o := app.Order{Act: act}
	var all bool
	c := &cobra.Command{
		Use: string(act) + " [ID…]", Short: short,
		RunE: func(c *cobra.Command, ids []string) error {
			if mistaken := orderMistake(o, ids, all); mistaken != nil {
				return mistaken
			}
			did := map[string]int{}
			err := t.ask(func(fleet app.Operator) error { return do(c.Context(), fleet, o, ids, did) })
			if t.json && err == nil {
				return printJSON(c.OutOrStdout(), did)
			}
			for _, word := range slices.Sorted(maps.Keys(did)) {
				fmt.Fprintf(c.OutOrStdout(), "%s\t%d\n", word, did[word])
			}
			if len(did) == 0 && err == nil {
				fmt.Fprintln(c.OutOrStdout(), "no callback is there")
			}
			return err
		},
	}
	addPlace(c, &o.Job, &o.Queue, &o.Destination)
	c.Flags().BoolVar(&all, "all", false, "all callbacks of --queue instead of single ones")
	c.Flags().StringVar(&o.Reason, "reason", "", "why, for those who look at the events")
	t.addTo(c)
	return c
}

func orderMistake(o app.Order, ids []string, all bool) error {
	switch {
	case len(ids) == 0 && !all:
		return mistake{errors.New("say which callbacks: their ids, or --all with --queue; cupid queue ls shows them")}
	case len(ids) > 0 && (all || o.Queue != "" || o.Destination != ""):
		return mistake{errors.New("say either ids, or --all with --queue and --destination")}
	case all && o.Queue == "":
		return mistake{errAskQueue}
	case o.Act.NeedsReason() && strings.TrimSpace(o.Reason) == "":
		return mistake{fmt.Errorf("%s wants --reason: whoever looks at the events later will ask", o.Act)}
	}
	return nil
}

// do sends an order, part by part, and adds what came of it to did.
func do(ctx context.Context, fleet app.Operator, o app.Order, ids []string, did map[string]int) error {
	const mostIDs = 1000 // of one order
	o.Who = whoAmI()
	send := func() error {
		outcome, err := fleet.Act(ctx, o)
		for word, n := range outcome.Did {
			did[word] += n
		}
		o.Before = outcome.Left
		return err
	}
	for o.IDs = range slices.Chunk(ids, mostIDs) {
		if err := send(); err != nil {
			return err
		}
	}
	if len(ids) > 0 {
		return nil
	}
	for more := true; more; more = o.Before > 0 {
		if err := send(); err != nil {
			return err
		}
	}
	return nil
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
