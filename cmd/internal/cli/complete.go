package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
)

// addCompletion lets shells complete names of jobs and destinations, which the
// config holds, and of queues. No server is asked.
func addCompletion(root *cobra.Command) {
	_ = root.MarkPersistentFlagFilename("configPath", "json", "yaml", "yml", "toml") // the flag is there
	jobs := named(root, func(c *config.Config) (names []string) {
		for _, j := range c.Jobs {
			names = append(names, j.Name)
		}
		return names
	})
	flags := map[string]cobra.CompletionFunc{
		"job": jobs,
		"destination": named(root, func(c *config.Config) (names []string) {
			for _, j := range c.Jobs {
				for _, d := range j.Destinations {
					names = append(names, d.Name)
				}
			}
			return names
		}),
		"queue": cobra.FixedCompletions(app.Queues(), cobra.ShellCompDirectiveNoFileComp),
	}
	each(root, func(c *cobra.Command) {
		for name, completion := range flags {
			if c.Flags().Lookup(name) != nil {
				_ = c.RegisterFlagCompletionFunc(name, completion) // the flag is there, and has none yet
			}
		}
		switch {
		case strings.Contains(c.Use, " JOB"):
			c.ValidArgsFunction = first(jobs)
		case c.ValidArgsFunction == nil:
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	})
}

func each(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, below := range c.Commands() {
		each(below, do)
	}
}

// named are names that the config holds. A config that cannot be read has none:
// whoever completes a line is told of it when the line is run.
func named(root *cobra.Command, of func(*config.Config) []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		cfg, err := configOf(root)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return of(cfg), cobra.ShellCompDirectiveNoFileComp
	}
}

// first completes the first argument only.
func first(completion cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completion(c, args, begun)
	}
}
