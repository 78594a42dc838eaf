package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addQuiet adds the commands that have a process stand still and go on.
func addQuiet(workers, root *cobra.Command) {
	t := target{root: root}
	var why string
	quiet := &cobra.Command{
		Use: "quiet ID --reason WHY", Short: "Have a process finish what it leased and fetch nothing more", Args: oneProcess,
		Long: "ID is host:pid, as cupid workers shows it. It holds until cupid workers resume, or until the process ends.",
		RunE: func(c *cobra.Command, args []string) error {
			if strings.TrimSpace(why) == "" {
				return mistake{errors.New("quiet wants --reason: whoever finds the process idle will ask")}
			}
			return t.ask(func(fleet app.Operator) error {
				if err := fleet.Quiet(c.Context(), args[0], whoAmI(), why); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s fetches nothing more until cupid workers resume %s; what it leased is finished\n", args[0], args[0])
				return nil
			})
		},
	}
	quiet.Flags().StringVar(&why, "reason", "", "why, for those who find the process idle")
	resume := &cobra.Command{
		Use: "resume ID", Short: "Have a quiet process go on", Args: oneProcess,
		RunE: func(c *cobra.Command, args []string) error {
			return t.ask(func(fleet app.Operator) error {
				held, err := fleet.Loud(c.Context(), args[0], whoAmI())
				if err != nil {
					return err
				}
				outcome := "goes on"
				if !held {
					outcome = "was not quiet"
				}
				fmt.Fprintln(c.OutOrStdout(), args[0], outcome)
				return nil
			})
		},
	}
	t.add(quiet, resume)
	workers.AddCommand(quiet, resume)
}

func oneProcess(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return mistake{fmt.Errorf("say one process, not %d; cupid workers shows them", len(args))}
	}
	return nil
}
