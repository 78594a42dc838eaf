package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addPause adds the commands that have a job stand still and go on.
func addPause(root *cobra.Command) {
	t := target{root: root}
	var o app.Pause
	pause := &cobra.Command{
		Use: "pause JOB --reason WHY", Short: "Have a job stand still", Args: oneJob,
		Long: "Nothing more of the job is claimed, compared or sent, by no process. What is in work is finished.\n" +
			"With --destination the callbacks of that destination alone are held; its rows are compared.",
		RunE: func(c *cobra.Command, args []string) error {
			o.Job, o.Who = args[0], whoAmI()
			if err := pauseMistake(c, o); err != nil {
				return err
			}
			return t.ask(func(fleet app.Operator) error { return pause(c, fleet, o) })
		},
	}
	pause.Flags().StringVar(&o.Reason, "reason", "", "why, for those who find the job paused")
	pause.Flags().DurationVar(&o.For, "for", 0, "after this time it goes on by itself; without it, it waits for cupid resume")
	pause.Flags().StringVar(&o.Destination, "destination", "", "hold the callbacks of this destination alone")
	var over app.Pause
	resume := &cobra.Command{
		Use: "resume JOB", Short: "Have a paused job go on", Args: oneJob,
		Long: "With --destination the callbacks of that destination go on, whether a person or the brake holds them;\n" +
			"for an hour its brake holds none of them.",
		RunE: func(c *cobra.Command, args []string) error {
			over.Job, over.Who = args[0], whoAmI()
			return t.ask(func(fleet app.Operator) error { return resume(c, fleet, over) })
		},
	}
	resume.Flags().StringVar(&over.Destination, "destination", "", "send the callbacks of this destination that are held")
	t.add(pause, resume)
	root.AddCommand(pause, resume)
}

func oneJob(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return mistake{fmt.Errorf("say one job, not %d; cupid status shows them", len(args))}
	}
	return nil
}

// pauseMistake says what is wrong with a pause before anybody is asked.
func pauseMistake(c *cobra.Command, o app.Pause) error {
	switch {
	case strings.TrimSpace(o.Reason) == "":
		return mistake{errors.New("pause wants --reason: whoever finds the job paused will ask")}
	case c.Flags().Changed("for") && o.For < time.Second:
		return mistake{fmt.Errorf("--for %s: want a time of at least 1s, such as 30m or 2h", o.For)}
	}
	return nil
}

func pause(c *cobra.Command, fleet app.Operator, o app.Pause) error {
	until, err := fleet.Pause(c.Context(), o)
	if err != nil {
		return err
	}
	ends, what := "until cupid resume "+o.Job, o.Job+" stands"
	if o.Destination != "" {
		ends, what = ends+" --destination "+o.Destination, "callbacks of "+o.Destination+" stand"
	}
	if !until.IsZero() {
		ends = "until " + moment(until) + " UTC"
	}
	fmt.Fprintf(c.OutOrStdout(), "%s still %s; what is in work is finished\n", what, ends)
	return nil
}

func resume(c *cobra.Command, fleet app.Operator, o app.Pause) error {
	held, err := fleet.Resume(c.Context(), o)
	if err != nil {
		return err
	}
	what, outcome, otherwise := o.Job, "goes on", "was not paused"
	if o.Destination != "" {
		what, outcome, otherwise = "callbacks of "+o.Destination, "go on", "were not held"
	}
	if !held {
		outcome = otherwise
	}
	fmt.Fprintln(c.OutOrStdout(), what, outcome)
	return nil
}
