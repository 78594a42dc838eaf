package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addRescan adds the command that has old rows looked at again.
func addRescan(root *cobra.Command) {
	t := target{root: root}
	var o app.RescanOptions
	c := &cobra.Command{
		Use: "rescan", Short: "Have the workers look again at rows that were scanned before", Args: noArguments,
		Long: "Pushes ranges of scan keys for the running workers. The cursors of the scans stay where they are,\n" +
			"and callbacks that are open stay open. It ends when all ranges are pushed; cupid status shows their way.\n" +
			"With --addr the process that is asked pushes them; cupid events says when it has.",
		RunE: func(c *cobra.Command, _ []string) error {
			o.Who = whoAmI()
			o.OnPushed = func(ranges int, upto string) {
				fmt.Fprintf(c.OutOrStdout(), "%d ranges pushed, up to %s\n", ranges, upto)
			}
			o.OnBegun = func(scan string) {
				fmt.Fprintf(c.OutOrStdout(), "%s is begun; cupid events says when all its ranges are pushed\n", scan)
			}
			return t.ask(func(fleet app.Operator) error { return fleet.Rescan(c.Context(), o) })
		},
	}
	c.Flags().StringVar(&o.Job, "job", "", "the job; needed when the config has several")
	c.Flags().StringVar(&o.From, "from", "", "least scan key to look at")
	c.Flags().StringVar(&o.Why, "reason", "", "why, for those who look at the events")
	c.Flags().StringVar(&o.To, "to", "", "greatest scan key to look at")
	t.add(c)
	root.AddCommand(c)
}
