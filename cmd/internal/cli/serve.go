// Package cli turns command lines, signals and errors into running processes
// and exit codes. Only the commands import it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
)

// Exit codes.
const (
	exitOK      = 0 // done, or stopped by a signal
	exitFailure = 1 // something went wrong that may go right another time
	exitMistake = 2 // a mistake in the command line, config, schema or credentials
)

// lateness is what a stop may take beyond the shutdown time-out before the process ends anyway.
const lateness = 300 * time.Millisecond

// Named is the role that a program's file name asks for; any other name asks
// for both. An image then holds one file under three names.
func Named(program string) app.Role {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	switch role := app.Role(name); role {
	case app.Scheduler, app.Worker:
		return role
	default:
		return app.Both
	}
}

// Main runs the command of a role with the process' arguments and gives its exit code.
func Main(role app.Role) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// What the HTTP library prints by itself goes past the log and may quote what a receiver said.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	return Execute(ctx, program(role), os.Stderr)
}

// program is all that can be typed behind a role's program.
func program(role app.Role) *cobra.Command {
	c := Command(role)
	if role == app.Both {
		addOperators(c)
		addCheck(c)
		addConfig(c)
		addRescan(c)
		addNotify(c)
		addRow(c)
		addDoctor(c)
	}
	addCompletion(c)
	return c
}

// mistake is an error of the command line itself.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

// ended is a command that has said all there is to say, with its exit code.
type ended int

func (e ended) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Execute runs a command, prints its error and gives the exit code.
func Execute(ctx context.Context, c *cobra.Command, stderr io.Writer) int {
	err := c.ExecuteContext(ctx)
	var code ended
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errUnhealthy):
		return exitFailure
	case hopeless(err):
		fmt.Fprintf(stderr, "%s: %v\n", c.Name(), err)
		return exitMistake
	default:
		fmt.Fprintf(stderr, "%s: %v\n", c.Name(), err)
		return exitFailure
	}
}

// flags are those that every role has; their long names are the seed's.
type flags struct {
	path, startID string
}

func (f *flags) load() (*config.Config, error) {
	if f.path == "" {
		return nil, mistake{errors.New("-c FILE is missing: the config file to use")}
	}
	return config.Load(config.Options{Path: f.path, Environ: os.Environ(), StartID: f.startID})
}

var summaries = map[app.Role]string{
	app.Scheduler: "Claims id and time ranges of the source tables for the workers",
	app.Worker:    "Compares ranges, delivers callbacks, and closes them when both sides are equal",
	app.Both:      "Scheduler and worker in one process, and the operator's commands",
}

// Command is the command of a role.
func Command(role app.Role) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use: string(role) + " -c FILE", Short: summaries[role], Version: app.ThisBuild.String(),
		Args: noArguments, SilenceErrors: true, SilenceUsage: true,
		RunE: func(c *cobra.Command, _ []string) error {
			reload := catchReload()
			defer signal.Stop(reload)
			cfg, err := f.load()
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg, service{role: role, console: c.ErrOrStderr(), reload: reload, load: f.load})
		},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return mistake{err} })
	c.PersistentFlags().StringVarP(&f.path, "configPath", "c", "", "the config file")
	if role != app.Worker {
		c.Flags().StringVarP(&f.startID, "startId", "s", "", "where a job without a saved cursor begins, inclusive")
	}
	c.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	c.AddCommand(&cobra.Command{
		Use: "version", Short: "Print version, commit and date", Args: noArguments,
		Run: func(v *cobra.Command, _ []string) { fmt.Fprintln(v.OutOrStdout(), c.Name(), c.Version) },
	})
	return c
}

func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return mistake{fmt.Errorf("unknown argument %q; see --help", args[0])}
	}
	return nil
}

// service is what a process does, and how it reads its config again.
type service struct {
	role    app.Role
	console io.Writer
	reload  <-chan os.Signal
	load    func() (*config.Config, error)
}

// serve runs until a signal; it returns in time even when something hangs.
func serve(ctx context.Context, cfg *config.Config, s service) error {
	seldom := collectSeldom()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a, err := app.New( //nolint:contextcheck // it neither dials nor waits
		cfg, app.Options{Role: s.role, Console: s.console},
	)
	if err != nil {
		return err
	}
	var told sync.WaitGroup
	if seldom {
		told.Go(func() { collectByWork(ctx) })
	}
	told.Go(func() { tellSystemd(ctx, a) })
	told.Go(func() { reloads(ctx, a, s) })
	defer told.Wait()
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := a.Run(ctx)
		done <- errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(cfg.Process.ShutdownTimeout + lateness):
		fmt.Fprintln(s.console, "the stop took too long; what was in hand is taken up by others when its leases end")
		return nil
	}
}
