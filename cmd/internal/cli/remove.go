package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addRemove adds the command that forgets a job.
func addRemove(jobs, root *cobra.Command) {
	var o app.RemoveOptions
	var yes bool
	rm := &cobra.Command{
		Use: "rm JOB -c FILE", Short: "Forget a job that no process runs any more", Args: oneJob,
		Long: "Its cursors, open callbacks, counters and events are removed from Redis. When it comes back into a config, it begins as a new one.",
		RunE: func(c *cobra.Command, args []string) error {
			o.Job, o.Who = args[0], whoAmI()
			if strings.TrimSpace(o.Why) == "" && !yes || o.Job == "" {
				return mistake{fmt.Errorf("cursors and open callbacks of job %q are lost for good: say why with --reason, or --yes", o.Job)}
			}
			cfg, err := configOf(root)
			if err != nil {
				return err
			}
			keys, err := app.RemoveJob(c.Context(), cfg, o)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is forgotten, %d keys\n", o.Job, keys)
			return nil
		},
	}
	rm.Flags().StringVar(&o.Why, "reason", "", "why, for those who look at the events")
	rm.Flags().BoolVar(&yes, "yes", false, "do it without a reason")
	jobs.AddCommand(rm)
}
