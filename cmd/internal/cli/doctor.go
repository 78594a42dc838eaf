package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addDoctor adds the command that looks for what keeps a fleet from working.
func addDoctor(root *cobra.Command) {
	var asJSON bool
	c := &cobra.Command{
		Use: "doctor -c FILE", Short: "Check databases, Redis, receivers and this host, and say what to do", Args: noArguments,
		Long: "Looks at all that the config names as this host reaches it, changes nothing and calls nobody.\n" +
			"The exit code is 0 when all is fine or only warned of, 1 with problems, 2 with mistakes in the config.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := configOf(root)
			if err != nil {
				return err
			}
			findings := app.Doctor(c.Context(), cfg, app.DoctorOptions{})
			if c.Context().Err() != nil {
				return errors.New("interrupted")
			}
			if asJSON {
				err = printJSON(c.OutOrStdout(), findings)
			} else {
				showFindings(c.OutOrStdout(), findings)
			}
			if err != nil {
				return err
			}
			return doctorCode(findings)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	root.AddCommand(c)
}

func doctorCode(findings []app.Finding) error {
	code := exitOK
	for _, f := range findings {
		switch {
		case f.Level != app.FoundProblem:
		case f.Check == app.CheckConfig:
			return ended(exitMistake)
		default:
			code = exitFailure
		}
	}
	if code == exitOK {
		return nil
	}
	return ended(code)
}

// showFindings prints a line for each finding, and below it what to do.
func showFindings(out io.Writer, findings []app.Finding) {
	counts := map[app.Level]int{}
	for _, f := range findings {
		counts[f.Level]++
		fmt.Fprintf(out, "%-11s  %s: %s\n", strings.ToUpper(string(f.Level)), f.Where, f.What)
		if f.Mend != "" {
			fmt.Fprintf(out, "%-11s  -> %s\n", "", f.Mend)
		}
	}
	fmt.Fprintf(out, "%d problem(s), %d warning(s), %d not checked, %d fine\n",
		counts[app.FoundProblem], counts[app.FoundWarning], counts[app.FoundUnchecked], counts[app.FoundOK])
}
