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
		Long: "Nothing more of the job is claimed, compared or sent, by no process. What is in work is finished.",
		RunE: func(c *cobra.Command, args []string) error {
			o.Job, o.Who = args[0], whoAmI()
			return pause(c, root, o)
		},
	}
	pause.Flags().StringVar(&o.Why, "reason", "", "why, for those who find the job paused")
	pause.Flags().DurationVar(&o.For, "for", 0, "after this time it goes on by itself; without it, it waits for cupid resume")
	resume := &cobra.Command{
		Use: "resume JOB -c FILE", Short: "Have a paused job go on", Args: oneJob,
		RunE: func(c *cobra.Command, args []string) error { return resume(c, root, args[0]) },
	}
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
	ends := "until cupid resume " + o.Job
	if !until.IsZero() {
		ends = "until " + moment(until) + " UTC"
	}
	fmt.Fprintf(c.OutOrStdout(), "%s stands still %s; what is in work is finished\n", o.Job, ends)
	return nil
}

func resume(c, root *cobra.Command, job string) error {
	cfg, err := configOf(root)
	if err != nil {
		return err
	}
	held, err := app.Resume(c.Context(), cfg, job, whoAmI())
	if err != nil {
		return err
	}
	outcome := "goes on"
	if !held {
		outcome = "was not paused"
	}
	fmt.Fprintln(c.OutOrStdout(), job, outcome)
	return nil
}
