package cli

import (
	"cmp"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addEvents adds the command that shows what happened and who did it.
func addEvents(root *cobra.Command) {
	t := target{root: root}
	var job string
	var most int
	c := &cobra.Command{
		Use: "events", Short: "Show what happened and who did it, newest first", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			const least, limit = 1, 1000
			if most < least || most > limit {
				return mistake{errors.New("--limit wants a number from 1 to 1000")}
			}
			return t.ask(func(fleet app.Operator) error {
				all, err := fleet.Events(c.Context(), job, most)
				if err != nil {
					return err
				}
				if t.json {
					return printJSON(c.OutOrStdout(), append([]app.Event{}, all...))
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "AT\tJOB\tKIND\tWHO\tWHAT")
				for _, e := range all {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", moment(e.At), cmp.Or(e.Job, "-"), e.Kind, e.Who, e.What)
				}
				return w.Flush()
			})
		},
	}
	c.Flags().StringVar(&job, "job", "", "events of this job only")
	c.Flags().IntVar(&most, "limit", 50, "events to show at most")
	t.addTo(c)
	root.AddCommand(c)
}
