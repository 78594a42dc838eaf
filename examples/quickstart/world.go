package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/masixun71/cupid-go/pkg/embedded"
)

// world is everything that this example needs and a user already has: two
// databases, a pipeline between them, a Redis, a receiver. And cupid.
type world struct {
	dir            string // for files, removed in the end
	source, copied *database
	redis          *embedded.Store
	pipeline       *pipeline
	receiver       *receiver
	fleet          *fleet
	narrator       *narrator
	undo           []func() error
}

func buildWorld(ctx context.Context, o options, n *narrator) (_ *world, err error) {
	w := &world{narrator: n}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "cupid-quickstart-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	w.atEnd(func() error { return os.RemoveAll(w.dir) })
	if w.source, err = openDatabase(ctx, "shop", sourceTable); err != nil {
		return nil, err
	}
	w.atEnd(w.source.close)
	if w.copied, err = openDatabase(ctx, "copy", copyTable); err != nil {
		return nil, err
	}
	w.atEnd(w.copied.close)
	if w.redis, err = embedded.Open(filepath.Join(w.dir, "redis.json"), slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	w.atEnd(w.redis.Close)
	w.redis.Start()
	if w.receiver, err = startReceiver(w.copied, n); err != nil {
		return nil, err
	}
	w.atEnd(w.receiver.close)
	w.pipeline = newPipeline(w.source, w.copied, o.seed)
	return w, nil
}

func (w *world) atEnd(undo func() error) { w.undo = append(w.undo, undo) }

// close undoes everything, last first.
func (w *world) close() error {
	var all []error
	for i := len(w.undo) - 1; i >= 0; i-- {
		all = append(all, w.undo[i]())
	}
	w.undo = nil
	return errors.Join(all...)
}

// startFleet starts cupid. What follows uses the context that it gives.
func (w *world) startFleet(ctx context.Context, o options) (context.Context, error) {
	file, err := w.writeConfig()
	if err != nil {
		return nil, err
	}
	var console io.Writer = errorsOnly{os.Stderr}
	if o.verbose {
		console = os.Stderr
	}
	ctx, w.fleet, err = launch(ctx, file, console)
	if err != nil {
		return nil, err
	}
	w.atEnd(w.fleet.stop)
	w.narrator.say("cupid", "1 scheduler and %d workers start", len(roles)-1)
	return ctx, nil
}

// patience is how long the last difference may take to be closed.
const patience = 60 * time.Second

// untilClosed tells cupid's progress until both tables are equal and no callback
// is open, or patience ends; then the summary will say what is left.
func (w *world) untilClosed(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	var told string
	for time.Now().Before(deadline) {
		p, err := w.fleet.progress(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		shown := fmt.Sprintf("%d rows compared: %d differ, %d called back, %d closed", p.compared, p.differing, p.delivered, p.closed)
		if shown != told && p.compared > 0 {
			w.narrator.say("cupid", "%s", shown)
			told = shown
		}
		left, err := countDifferent(ctx, w.source, w.copied)
		if err != nil {
			return err
		}
		if left == 0 && p.open == 0 && p.compared >= int64(w.pipeline.written) {
			return nil
		}
	}
	return nil
}

// invite says how to look at everything while it runs.
func (w *world) invite(n *narrator) {
	redisHost, redisPort, _ := net.SplitHostPort(w.redis.Addr())
	redis := "redis-cli -h " + redisHost + " -p " + redisPort
	n.print("\nEverything runs on until Ctrl-C. Its addresses:\n\n")
	n.print("  source       mysql -h %s -P %s -u root shop\n", w.source.host, w.source.port)
	n.print("  destination  mysql -h %s -P %s -u root copy\n", w.copied.host, w.copied.port)
	n.print("  redis        %s\n", redis)
	n.print("  receiver     %s\n", w.receiver.url)
	for i, a := range w.fleet.apps {
		n.print("  %-12s http://%s/metrics\n", roles[i], a.Addr())
	}
	n.print("  dashboard    http://%s\n", w.fleet.apps[0].Addr())
	n.print("  config       %s (logs beside it)\n", w.fleet.file)
	n.print("\nLook in from another terminal, in the root of the repository for the last two:\n\n")
	n.print("  %s HGETALL 'cupid:{shop.user}:cursor'\n", redis)
	n.print("  %s HGETALL 'cupid:{shop.user}:stats'\n", redis)
	n.print("  go run ./cmd/cupid health -c %s\n", w.fleet.file)
	n.print("  go run ./cmd/cupid status -c %s\n", w.fleet.file)
	n.print("\nNo pipeline runs now, so cupid calls for whatever you change:\n\n")
	n.print("  mysql -h %s -P %s -u root shop -e \\\n", w.source.host, w.source.port)
	n.print("    \"UPDATE user SET name = 'Ann', update_time = NOW() WHERE number = 10005\"\n\n")
}
