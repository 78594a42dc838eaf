package app

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// Explain looks at the tables of every job and writes how they are read and
// compared, and why. The error is the last job's that could not be looked at.
func Explain(ctx context.Context, c *config.Config, out io.Writer) error {
	var failed error
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, bad := range c.Bad {
		failed = fmt.Errorf("%w: job %s: %w", ErrConfig, bad.Name, bad.Err)
		fmt.Fprintf(w, "job %s\tdoes not run: %v\n", bad.Name, bad.Err)
	}
	for _, j := range c.Jobs {
		if err := explain(ctx, j, w); err != nil {
			failed = fmt.Errorf("job %s: %w", j.Name, err)
			fmt.Fprintf(w, "job %s\tcannot be looked at: %v\n", j.Name, err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return failed
}

func explain(ctx context.Context, j job.Job, out io.Writer) error {
	const connections = 2
	plan, opened, err := inspect(ctx, j, mysql.Options{MaxOpen: connections})
	if err != nil {
		return err
	}
	defer opened.close(discard)
	source := plan.Source.Access()
	fmt.Fprintf(out, "job %s\t%s\n", j.Name, plan.Source.Identity())
	fmt.Fprintf(out, "  scan key\t%s\n", byIndex(source.ScanKey, source.ScanIndex))
	if source.UpdateColumn != "" {
		fmt.Fprintf(out, "  update column\t%s\n", byIndex(source.UpdateColumn, source.UpdateIndex))
	}
	filtered(out, "  where", j.Source.Where)
	fmt.Fprintf(out, "  byColumn\t%s\n", byIndex(strings.Join(source.ByColumns, ", "), source.ByIndex))
	explainReplicas(ctx, out, "  replica", j.Source.Replicas)
	for n, d := range plan.Destinations {
		pairing := plan.Pairing(n, mysql.PairingOptions{})
		fmt.Fprintf(out, "  destination %s\t%s\n", d.Name(), j.Destinations[n].Table)
		by, index := d.ByColumns()
		fmt.Fprintf(out, "    byColumn\t%s\n", byIndex(strings.Join(by, ", "), index))
		filtered(out, "    where", j.Destinations[n].Where)
		for _, pair := range j.Destinations[n].Columns {
			if o := pair.Options.String(); o != "" {
				fmt.Fprintf(out, "    column %s\t%s\n", pair.Source, o)
			}
		}
		explainReplicas(ctx, out, "    replica", j.Destinations[n].Replicas)
		fmt.Fprintf(out, "    cupid check\t%s: %s\n", pairing.Strategy(), pairing.Reason())
		fmt.Fprintf(out, "    workers\t%s\n", workersStrategy(pairing, d))
	}
	for _, w := range plan.Warnings {
		fmt.Fprintf(out, "  warning\t%s\n", w)
	}
	return nil
}

// workersStrategy is how ranges of a scan are compared; see jobRun.hash.
func workersStrategy(p *mysql.Pairing, d *mysql.Destination) string {
	lookup := "keyed lookup: equal rows have equal hashes"
	if ok, why := d.Hashable(); !ok {
		lookup = "rows: " + why
	}
	if p.Strategy() == mysql.RangeChecksum {
		return "range checksum for ranges of the scan key; for updates " + lookup
	}
	return lookup
}

// explainReplicas says where else than at its server the ranges of a side are read.
func explainReplicas(ctx context.Context, out io.Writer, label string, replicas job.Replicas) {
	for _, r := range replicas.Servers {
		look := lookAtReplica(ctx, r, replicas.MaxLag, nil)
		fmt.Fprintf(out, "%s\t%s; first looks at ranges, up to %s behind\n", label, look, replicas.MaxLag)
	}
}

func filtered(out io.Writer, label, condition string) {
	if condition != "" {
		fmt.Fprintf(out, "%s\t%s\n", label, strings.Join(strings.Fields(condition), " "))
	}
}

func byIndex(column, index string) string {
	if index == "" {
		return column + ", no index"
	}
	return column + ", index " + index
}
