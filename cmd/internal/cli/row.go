package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// addRow adds the command that shows a row of both sides.
func addRow(root *cobra.Command) {
	t := target{root: root}
	var o app.RowOptions
	c := &cobra.Command{
		Use: "row JOB KEY", Short: "Show a row as the source and each destination hold it; needs no Redis",
		Long: "Reads the row with the scan key KEY, and what each destination has of it, compares them as the workers do,\n" +
			"and marks the columns that differ. With --by-column, KEY is the value of the byColumn, as cupid check shows it,\n" +
			"or a value for each of several. It prints values of rows: look where the output goes.\n" +
			"With --addr a process of the fleet reads it, if its http.rows allows that, and notes who looked.\n" +
			"The exit code is 0 when all are equal, 1 when one is not, 2 when one could not be read.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return mistake{fmt.Errorf("say the job and the key of the row; see --help")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.Job, o.Key = args[0], args[1:]
			reports, err := t.row(c.Context(), o)
			if err != nil {
				return err
			}
			if t.json {
				err = printJSON(c.OutOrStdout(), reports)
			} else {
				err = showRow(c.OutOrStdout(), reports)
			}
			if err != nil {
				return err
			}
			return rowCode(reports)
		},
	}
	c.Flags().StringVar(&o.Destination, "destination", "", "look at this destination only")
	c.Flags().BoolVar(&o.ByColumns, "by-column", false, "KEY is what relates the sides, not the scan key")
	t.addTo(c)
	root.AddCommand(c)
}

// row is looked at by the config, which names the databases, or by a process that is asked.
func (t *target) row(ctx context.Context, o app.RowOptions) (reports []app.RowReport, err error) {
	if t.addr == "" {
		cfg, err := configOf(t.root)
		if err != nil {
			return nil, err
		}
		return app.LookAtRow(ctx, cfg, o)
	}
	err = t.ask(func(fleet app.Operator) (err error) {
		reports, err = fleet.Row(ctx, whoAmI(), o)
		return err
	})
	return reports, err
}

func rowCode(reports []app.RowReport) error {
	code := exitEqual
	for _, r := range reports {
		if r.Error != "" {
			return ended(exitNotCompared)
		}
		if r.Verdict != app.RowEqual {
			code = exitDifferent
		}
	}
	if code == exitEqual {
		return nil
	}
	return ended(code)
}

// showRow prints the rows for people, both sides beside each other.
func showRow(out io.Writer, reports []app.RowReport) error {
	for _, r := range reports {
		fmt.Fprintf(out, "job %s, destination %s: %s\n", r.Job, r.Destination, rowHeadline(r))
		if len(r.Columns) == 0 {
			continue
		}
		w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
		fmt.Fprintf(w, "  \tCOLUMN%s%s\n", heads("SOURCE", r.Columns[0].Sources), heads("DESTINATION", r.Columns[0].Destinations))
		for _, c := range r.Columns {
			mark, name := " ", c.Source
			switch {
			case c.Differs:
				mark = "≠"
			case c.Overlooked:
				mark = "~"
			}
			if c.Destination != c.Source {
				name += " → " + c.Destination
			}
			fmt.Fprintf(w, " %s\t%s%s%s\n", mark, name, cells(c.Sources), cells(c.Destinations))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

var rowMeanings = map[app.RowVerdict]string{
	app.RowMissing:   "the destination lacks it",
	app.RowExtra:     "the source lacks it",
	app.RowRespelled: "the destination has it under another spelling of its key",
	app.RowSeveral:   "a side has several rows with its key: which belongs to which cannot be told",
	app.RowAbsent:    "neither side has it",
}

func rowHeadline(r app.RowReport) string {
	if r.Error != "" {
		return "NOT READ: " + r.Error
	}
	line := strings.ToUpper(string(r.Verdict))
	switch meaning := rowMeanings[r.Verdict]; {
	case r.Unknown:
		line += ": the source has no row with this scan key; which row of the destination belonged to it cannot be told: --by-column looks for it"
	case meaning != "":
		line += ": " + meaning
	}
	if r.Note != "" {
		line += "; " + r.Note
	}
	return line
}

// heads are the headings of one side, numbered where it has several rows.
func heads(side string, rows []app.RowValue) string {
	if len(rows) <= 1 {
		return "\t" + side
	}
	var b strings.Builder
	for n := range rows {
		fmt.Fprintf(&b, "\t%s %d", side, n+1)
	}
	return b.String()
}

// cells are the values of one side; without a row there is one empty cell.
func cells(values []app.RowValue) string {
	if len(values) == 0 {
		return "\t-"
	}
	var b strings.Builder
	for _, v := range values {
		b.WriteString("\t" + shortened(v.String()))
	}
	return b.String()
}

// shortened keeps a line readable; --json has the whole value.
func shortened(text string) string {
	const most = 72
	if len(text) <= most {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(text[:most], ""), len(text))
}
