package cli

import (
	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addNotify adds the commands about alerts.
func addNotify(root *cobra.Command) {
	parent := &cobra.Command{Use: "notify", Short: "Try the channels of alerts", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	parent.AddCommand(&cobra.Command{
		Use: "test -c FILE", Short: "Send one test message through every channel", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := configOf(root)
			if err != nil {
				return err
			}
			worked, err := app.TestAlerts(c.Context(), cfg, c.OutOrStdout())
			if err == nil && !worked {
				return ended(exitFailure)
			}
			return err
		},
	})
	root.AddCommand(parent)
}
