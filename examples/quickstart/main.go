// Command quickstart shows the main job of cupid in one process, with nothing
// installed: a pipeline loses and corrupts rows on their way from one database
// to another, cupid finds them, and a receiver repairs them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

// options are the flags.
type options struct {
	rows    int           // in the source before cupid starts
	live    time.Duration // how long rows are written while cupid runs
	seed    uint64        // decides which rows the pipeline breaks
	keep    bool          // go on until Ctrl-C
	verbose bool          // print cupid's own log
}

// run gives the exit code: 0 when every row arrived in the end, 1 when one did
// not, 2 for a mistake on the command line.
func run(args []string, out io.Writer) int {
	var o options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&o.rows, "rows", 2000, "rows in the source before cupid starts")
	flags.DurationVar(&o.live, "live", 5*time.Second, "how long rows are written while cupid runs")
	flags.Uint64Var(&o.seed, "seed", 1, "decides which rows the pipeline breaks")
	flags.BoolVar(&o.keep, "keep", false, "leave everything running until Ctrl-C")
	flags.BoolVar(&o.verbose, "v", false, "print cupid's own log, too")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := play(ctx, o, newNarrator(out))
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(out, "quickstart: stopped before the end")
		return 1
	case err != nil:
		fmt.Fprintln(out, "quickstart:", err)
		return 1
	case !result.good():
		return 1
	}
	return 0
}

const intro = `A pipeline copies the table shop.user to copy.user and breaks some rows on the way.
cupid finds them and calls the receiver until both tables are read equal.

`

// play is the whole story, in the order in which it is told.
func play(ctx context.Context, o options, n *narrator) (s summary, err error) {
	began := time.Now()
	n.print("%s", intro)
	w, err := buildWorld(ctx, o, n)
	if err != nil {
		return summary{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	if err := w.pipeline.history(ctx, o.rows); err != nil {
		return summary{}, err
	}
	n.say("source", "%d rows are written", o.rows)
	n.say("pipeline", "copies them: %d lost, %d corrupted", w.pipeline.broken.lost, w.pipeline.broken.corrupted)

	ctx, err = w.startFleet(ctx, o)
	if err != nil {
		return summary{}, err
	}
	if err := w.untilClosed(ctx); err != nil {
		return summary{}, err
	}
	n.say("source", "for %s now, %d new and %d changed rows a second", o.live, newPerSecond, changedPerSecond)
	w.receiver.showNext(firstCallbacks)
	before := w.pipeline.broken
	if err := w.pipeline.live(ctx, o.live); err != nil {
		return summary{}, err
	}
	live := w.pipeline.broken.minus(before)
	n.say("pipeline", "carried these, too: %d lost, %d outdated, %d corrupted", live.lost, live.outdated, live.corrupted)
	if err := w.untilClosed(ctx); err != nil {
		return summary{}, err
	}
	if s, err = w.summarize(ctx, time.Since(began)); err != nil {
		return summary{}, err
	}
	s.print(n)
	if o.keep {
		w.invite(n)
		w.receiver.showNext(math.MaxInt)
		<-ctx.Done()
	}
	return s, nil
}
