package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
)

// addConfig adds the commands about a config file.
func addConfig(root *cobra.Command) {
	parent := &cobra.Command{Use: "config", Short: "Check, explain or convert a config file", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	parent.AddCommand(
		&cobra.Command{
			Use: "check -c FILE", Short: "Say whether the file is right, without asking any server", Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error {
				cfg, err := configOf(root)
				if err != nil {
					return err
				}
				return right(c.OutOrStdout(), cfg)
			},
		},
		&cobra.Command{
			Use: "explain -c FILE", Short: "Say how each table is read and compared, and why; asks the databases", Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error {
				cfg, err := configOf(root)
				if err != nil {
					return err
				}
				return app.Explain(c.Context(), cfg, c.OutOrStdout())
			},
		},
		&cobra.Command{
			Use: "convert -c FILE", Short: "Print the file in the job form, with its secrets", Args: noArguments,
			RunE: func(c *cobra.Command, _ []string) error {
				cfg, err := configOf(root)
				if err != nil {
					return err
				}
				return convert(c.OutOrStdout(), c.ErrOrStderr(), cfg)
			},
		},
	)
	root.AddCommand(parent)
}

// right prints warnings and bad jobs, or "ok".
func right(out io.Writer, cfg *config.Config) error {
	for _, w := range cfg.Warnings {
		fmt.Fprintln(out, "warning: "+w)
	}
	for _, bad := range cfg.Bad {
		fmt.Fprintf(out, "job %s: %v\n", bad.Name, bad.Err)
	}
	if len(cfg.Bad) > 0 {
		return ended(exitMistake)
	}
	fmt.Fprintln(out, "ok")
	return nil
}

func convert(out, console io.Writer, cfg *config.Config) error {
	text, err := config.Convert(cfg)
	if err != nil {
		return err
	}
	fmt.Fprintln(console, "warning: this shows passwords and other secrets; keep the file where only its readers may read it")
	if len(cfg.Bad) > 0 {
		fmt.Fprintf(console, "warning: %d jobs with mistakes are left out; see config check\n", len(cfg.Bad))
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("write the config: %w", err)
	}
	return nil
}
