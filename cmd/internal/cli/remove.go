package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addRemove adds the command that forgets a job.
func addRemove(jobs, root *cobra.Command) {
	t := target{root: root}
	var o app.Removal
	var yes bool
	rm := &cobra.Command{
		Use: "rm JOB", Short: "Forget a job that no process runs any more", Args: oneJob,
		Long: "Its cursors, open callbacks, counters and events are removed from Redis. When it comes back into a config, it begins as a new one.",
		RunE: func(c *cobra.Command, args []string) error {
			o.Job, o.Who = args[0], whoAmI()
			if strings.TrimSpace(o.Reason) == "" && yes {
				o.Reason = "no reason given"
			}
			if strings.TrimSpace(o.Reason) == "" || o.Job == "" {
				return mistake{fmt.Errorf("cursors and open callbacks of job %q are lost for good: say why with --reason, or --yes", o.Job)}
			}
			return t.ask(func(fleet app.Operator) error {
				keys, err := fleet.Remove(c.Context(), o)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s is forgotten, %d keys\n", o.Job, keys)
				return nil
			})
		},
	}
	rm.Flags().StringVar(&o.Reason, "reason", "", "why, for those who look at the events")
	rm.Flags().BoolVar(&yes, "yes", false, "do it without a reason")
	t.add(rm)
	jobs.AddCommand(rm)
}
