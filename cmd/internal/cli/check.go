package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
)

// Exit codes of check, as those of diff.
const (
	exitEqual        = 0
	exitDifferent    = 1
	exitNotCompared  = 2
	defaultKeysShown = 100
)

// checkFlags are those of the check command.
type checkFlags struct {
	app.CheckOptions
	format, checksum, fixSQL, destinationWhere string
}

// addCheck adds the command that compares tables now.
func addCheck(root *cobra.Command) {
	var f checkFlags
	c := &cobra.Command{
		Use: "check -c FILE", Short: "Compare the tables whole, now; needs no Redis", Args: noArguments,
		Long: "Compares every source table with its destinations once, also for rows that only a destination has.\n" +
			"What differs is read again after the job's confirmDelay before it is reported.\n" +
			"The exit code is 0 when all are equal, 1 when rows differ, 2 when something could not be compared to its end.",
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("destination-where") {
				f.DestinationWhere = &f.destinationWhere
			}
			err := f.run(c.Context(), root, c.OutOrStdout(), c.ErrOrStderr())
			var code ended
			if err != nil && !errors.As(err, &code) {
				fmt.Fprintf(c.ErrOrStderr(), "%s check: %v\n", root.Name(), err)
				return ended(exitNotCompared)
			}
			return err
		},
	}
	set := c.Flags()
	set.StringVar(&f.Job, "job", "", "compare this job only")
	set.StringVar(&f.Destination, "destination", "", "compare with this destination only")
	set.StringVar(&f.format, "format", "table", "form of the result: table or json")
	set.IntVar(&f.Limit, "limit", defaultKeysShown, "differing keys to show of each destination")
	set.StringVar(&f.fixSQL, "fix-sql", "", "write the statements that would make the destinations equal to this file; none is executed")
	set.StringVar(&f.From, "from", "", "least scan key to compare")
	set.StringVar(&f.To, "to", "", "greatest scan key to compare")
	set.StringVar(&f.Where, "where", "", "SQL condition on the rows to compare")
	set.StringVar(&f.destinationWhere, "destination-where", "", "SQL condition on the destination's rows, instead of that of --where; may be empty")
	set.BoolVar(&f.NoConfirm, "no-confirm", false, "do not wait before reading differences again: for tables that nobody writes")
	set.IntVar(&f.MaxDifferences, "max-differences", 0, "stop with a destination when so many rows differ at first sight")
	set.DurationVar(&f.MaxTime, "max-time", 0, "stop with a destination after this time, such as 10m")
	set.StringVar(&f.State, "state", "", "keep the progress in this file and go on from it; removed when everything was compared")
	set.StringVar(&f.checksum, "checksum", "", "hash of a row: fast (CRC32, multiplied) or strong (SHA2-256); without it the job's")
	set.IntVar(&f.Parallel, "parallel", 2, "queries at once on each side")
	root.AddCommand(c)
}

// valid checks what the flags say by themselves.
func (f *checkFlags) valid() error {
	switch {
	case f.format != "table" && f.format != "json":
		return fmt.Errorf("--format %q: want table or json", f.format)
	case !slices.Contains([]string{"", "fast", "strong"}, f.checksum):
		return fmt.Errorf("--checksum %q: want fast or strong", f.checksum)
	case f.Parallel < 1 || f.Parallel > 64:
		return fmt.Errorf("--parallel %d: want 1 to 64", f.Parallel)
	case f.Limit < 0 || f.MaxDifferences < 0 || f.MaxTime < 0:
		return errors.New("--limit, --max-differences and --max-time cannot be negative")
	}
	return nil
}

func (f *checkFlags) run(ctx context.Context, root *cobra.Command, out, console io.Writer) (err error) {
	if err := f.valid(); err != nil {
		return err
	}
	cfg, err := configOf(root)
	if err != nil {
		return err
	}
	boundMemory()
	bar := newProgress(console)
	f.Checksum = app.Checksum(f.checksum)
	f.Log = slog.New(slog.NewTextHandler(bar, nil))
	f.OnProgress = bar.show
	for _, w := range cfg.Warnings {
		f.Log.Warn("the config is not read as it stands", "warning", w)
	}
	var reports []app.CheckReport
	check := func(fix io.Writer, dir string) (err error) {
		f.Fix, f.FixDir = fix, dir
		reports, err = app.Check(ctx, cfg, f.CheckOptions)
		bar.end()
		return err
	}
	if f.fixSQL == "" {
		err = check(nil, "")
	} else {
		err = intoFile(f.fixSQL, check)
	}
	if err != nil && (ctx.Err() == nil || len(reports) == 0) {
		return cmp.Or(f.interrupted(ctx), err)
	}
	return cmp.Or(f.show(out, reports), f.interrupted(ctx), verdict(reports))
}

func (f *checkFlags) show(out io.Writer, reports []app.CheckReport) error {
	if f.format == "json" {
		return printJSON(out, reports)
	}
	return showReports(out, reports)
}

func (f *checkFlags) interrupted(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case f.State == "":
		return errors.New("interrupted")
	default:
		return errors.New("interrupted; the same command goes on from here")
	}
}

// intoFile gives a new file, private to its owner for it holds rows, to write,
// and the directory for what does not stay.
func intoFile(path string, write func(file io.Writer, dir string) error) error {
	if err := ours(path); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("--fix-sql: %w", err)
	}
	buffer := bufio.NewWriter(file)
	_, err = buffer.WriteString(app.FixHeader)
	if err == nil {
		err = write(buffer, dirOf(file))
	}
	return errors.Join(err, buffer.Flush(), file.Close())
}

// ours refuses a file that holds something else than such statements. What cannot
// be read is said when it is opened to be written.
func ours(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil
	}
	header, _, _ := strings.Cut(app.FixHeader, "\n")
	if text := beginning(path, len(header)); text != "" && text != header {
		return fmt.Errorf("--fix-sql: %s holds something else than the statements of an earlier check; remove it, or name another file", path)
	}
	return nil
}

// beginning is so many bytes of a file, or what can be read of them.
func beginning(path string, size int) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // nothing was written
	text := make([]byte, size)
	n, _ := io.ReadFull(file, text)
	return string(text[:n])
}

// dirOf is the directory of a file, and "" of what is none, such as /dev/stdout:
// nobody may write beside it.
func dirOf(file *os.File) string {
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return filepath.Dir(file.Name())
}

// verdict is the exit code. Rows that differ are more than tables that could
// not be compared to their end.
func verdict(reports []app.CheckReport) error {
	code := exitEqual
	for _, r := range reports {
		if r.Error != "" {
			return ended(exitNotCompared)
		}
		if !r.Equal() && code != exitDifferent {
			code = exitNotCompared
		}
		if r.Differs() {
			code = exitDifferent
		}
	}
	if code == exitEqual {
		return nil
	}
	return ended(code)
}

// showReports prints the outcome for people.
func showReports(out io.Writer, reports []app.CheckReport) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, r := range reports {
		fmt.Fprintf(w, "job %s, destination %s\t%s\n", r.Job, r.Destination, headline(r))
		if r.Error != "" {
			continue
		}
		fmt.Fprintf(w, "  strategy\t%s: %s\n", r.Strategy, r.Reason)
		fmt.Fprintf(w, "  rows\t%d at the source, %d at the destination, %d compared in %s\n",
			r.SourceRows, r.DestinationRows, r.Compared, r.Took.Round(10*time.Millisecond))
		for _, line := range counts(r) {
			fmt.Fprintf(w, "  %s\t%s\n", line[0], line[1])
		}
		for _, k := range r.Keys {
			fmt.Fprintf(w, "  key %s\t%s\n", visible(k.Key), k)
		}
		if more := r.Missing + r.Different + r.Extra + r.Respelled + r.Several + r.Unexplained - uint64(len(r.Keys)); more > 0 {
			fmt.Fprintf(w, "  …\t%d more keys; see --limit\n", more)
		}
	}
	return w.Flush()
}

// visible puts a key in quotes that would not show whole.
func visible(key string) string {
	if key == "" || strings.TrimSpace(key) != key {
		return strconv.Quote(key)
	}
	return key
}

func headline(r app.CheckReport) string {
	switch {
	case r.Error != "":
		return "NOT COMPARED: " + r.Error
	case r.Differs():
		return "DIFFERENT"
	case r.StoppedAt != "":
		return "NOT COMPARED TO THE END"
	default:
		return "EQUAL"
	}
}

// counts are the lines of what was found, those that say something.
func counts(r app.CheckReport) [][2]string {
	var lines [][2]string
	add := func(n uint64, name, meaning string) {
		if n > 0 {
			lines = append(lines, [2]string{name, fmt.Sprintf("%d %s", n, meaning)})
		}
	}
	add(r.Missing, "missing", "rows that the destination lacks")
	add(r.Different, "different", "rows with other values")
	add(r.Extra, "extra", "rows that the source lacks")
	add(r.Respelled, "respelled", "rows whose key is another spelling at the destination, such as one of another case")
	add(r.Several, "several", "keys with several rows on a side")
	add(r.Unexplained, "unexplained", "rows whose hashes differ on the servers, and none of their columns")
	add(r.SourceNullKeys, "no key", "source rows with NULL for what relates the sides: they can have no partner")
	add(r.DestinationNullKeys, "no key", "destination rows with NULL for what relates the sides: they can have no partner")
	add(r.Unconfirmed, "unconfirmed", "of these were not read again, and are counted as they looked at first sight")
	add(r.Settled, "settled", "rows differed at first sight and were equal when read again")
	if r.StoppedAt != "" {
		lines = append(lines, [2]string{"stopped", "before the end of the tables, at the limit of " + r.StoppedAt})
	}
	if r.ExtraRowsNotLookedAt {
		lines = append(lines, [2]string{"note", "rows that only the destination has were not looked for: with --from or --to, or where texts relate to numbers or times that they spell otherwise"})
	}
	return lines
}
