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
	var o app.PauseOptions
	pause := &cobra.Command{
		Use: "pause JOB -c FILE --reason WHY", Short: "Have a job stand still", Args: oneJob,
		Long: "Nothing more of the job is claimed, compared or sent, by no process. What is in work is finished.\n" +
			"With --destination the callbacks of that destination alone are held; its rows are compared.",
		RunE: func(c *cobra.Command, args []string) error {
			o.Job, o.Who = args[0], whoAmI()
			return pause(c, root, o)
		},
	}
	pause.Flags().StringVar(&o.Why, "reason", "", "why, for those who find the job paused")
	pause.Flags().DurationVar(&o.For, "for", 0, "after this time it goes on by itself; without it, it waits for cupid resume")
	pause.Flags().StringVar(&o.Destination, "destination", "", "hold the callbacks of this destination alone")
	var destination string
	resume := &cobra.Command{
		Use: "resume JOB -c FILE", Short: "Have a paused job go on", Args: oneJob,
		Long: "With --destination the callbacks of that destination go on, whether a person or the brake holds them;\n" +
			"for an hour its brake holds none of them.",
		RunE: func(c *cobra.Command, args []string) error { return resume(c, root, args[0], destination) },
	}
	resume.Flags().StringVar(&destination, "destination", "", "send the callbacks of this destination that are held")
	root.AddCommand(pause, resume)
}

func oneJob(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return mistake{fmt.Errorf("say one job, not %d; cupid status shows them", len(args))}
	}
	return nil
}

func pause(c, root *cobra.Command, o app.PauseOptions) error {
	switch {
	case strings.TrimSpace(o.Why) == "":
		return mistake{errors.New("pause wants --reason: whoever finds the job paused will ask")}
	case c.Flags().Changed("for") && o.For < time.Second:
		return mistake{fmt.Errorf("--for %s: want a time of at least 1s, such as 30m or 2h", o.For)}
	}
	cfg, err := configOf(root)
	if err != nil {
		return err
	}
	until, err := app.Pause(c.Context(), cfg, o)
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

func resume(c, root *cobra.Command, job, destination string) error {
	cfg, err := configOf(root)
	if err != nil {
		return err
	}
	held, err := app.Resume(c.Context(), cfg, job, destination, whoAmI())
	if err != nil {
		return err
	}
	what, outcome, otherwise := job, "goes on", "was not paused"
	if destination != "" {
		what, outcome, otherwise = "callbacks of "+destination, "go on", "were not held"
	}
	if !held {
		outcome = otherwise
	}
	fmt.Fprintln(c.OutOrStdout(), what, outcome)
	return nil
}
