package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/masixun71/cupid-go/pkg/app"
	"github.com/masixun71/cupid-go/pkg/config"
)

// configText is a config file as a user writes it. The delays are shorter than
// the defaults, so that the show is short.
const configText = `{
    "workerNumber": 3,
    "logDir": %q,
    "taskWorkerIntervalMillisecond": 500,
    "callbackWorkerIntervalMillisecond": 500,
    "failureJobRetrySecond": 2,
    "confirmDelaySecond": 1, // what the pipeline is given before a difference is read again
    "verifyDelaySecond": 1, // what the receiver is given before its repair is checked
    "redis": { "addr": %q },
    "src": {
        "dsn": %q,
        "table": "user",
        "byColumn": "number",
        "insert": true,
        "insertIntervalMillisecond": 500,
        "update": true,
        "updateColumn": "update_time",
        "updateIntervalMillisecond": 500,
        "updateScanSecond": 5,
        "updateTimeFormate": "Y-m-d H:i:s"
    },
    "des": [
        {
            "dsn": %q,
            "table": "user",
            "byColumn": "number",
            "columns": { "number": "number", "name": "name", "avatar": "avatar" },
            "callbackNotification": { "url": %q }
        }
    ]
}
`

// roles are the processes of the fleet. Here they share one process; otherwise
// each is a command on a host of its own, with the same file.
var roles = []app.Role{app.Scheduler, app.Worker, app.Worker, app.Worker}

// fleet is cupid.
type fleet struct {
	file   string // the config
	config *config.Config
	apps   []*app.App
	cancel context.CancelCauseFunc
	runs   sync.WaitGroup
}

func (w *world) writeConfig() (string, error) {
	file := filepath.Join(w.dir, "cupid.json")
	text := fmt.Sprintf(configText, filepath.Join(w.dir, "logs"), w.redis.Addr(), w.source.dsn, w.copied.dsn, w.receiver.url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the config: %w", err)
	}
	return file, nil
}

// launch runs an app for each role until ctx ends or stop is called. The context
// that it gives ends, with the cause, when one of them cannot go on.
func launch(ctx context.Context, file string, console io.Writer) (context.Context, *fleet, error) {
	f := &fleet{file: file}
	ctx, f.cancel = context.WithCancelCause(ctx)
	for _, role := range roles {
		if err := f.run(ctx, role, console); err != nil {
			return nil, nil, errors.Join(err, f.stop())
		}
	}
	return ctx, f, nil
}

func (f *fleet) run(ctx context.Context, role app.Role, console io.Writer) (err error) {
	if f.config, err = config.Load(config.Options{Path: f.file}); err != nil {
		return err
	}
	// Several apps share this process; names tell them apart in the registry.
	name := fmt.Sprintf("%s-%d", role, len(f.apps)+1)
	a, err := app.New(f.config, app.Options{Role: role, Name: name, Console: console})
	if err != nil {
		return err
	}
	f.apps = append(f.apps, a)
	f.runs.Go(func() {
		if err := a.Run(ctx); err != nil {
			f.cancel(err)
		}
	})
	return nil
}

func (f *fleet) stop() error {
	f.cancel(context.Canceled)
	f.runs.Wait()
	var all []error
	for _, a := range f.apps {
		all = append(all, a.Stop(context.Background()))
	}
	return errors.Join(all...)
}

// progress is what the fleet has done so far, as "cupid status" shows it.
type progress struct {
	compared, differing, delivered, closed int64
	open                                   int64 // callbacks in any queue
}

func (f *fleet) progress(ctx context.Context) (progress, error) {
	status, err := app.FleetStatus(ctx, *f.config.Redis)
	if err != nil || len(status.Jobs) == 0 {
		return progress{}, err
	}
	j := status.Jobs[0]
	p := progress{
		compared: j.Stats["rows"], differing: j.Stats["differences"],
		delivered: j.Stats["delivered"], closed: j.Stats["closed_equal"] + j.Stats["closed_gone"],
	}
	for queue, depth := range j.Depths {
		if strings.HasPrefix(queue, "callbacks:") {
			p.open += depth
		}
	}
	return p, nil
}

// errorsOnly passes on the lines of a log that say that something is wrong.
type errorsOnly struct{ io.Writer }

func (e errorsOnly) Write(line []byte) (int, error) {
	if !bytes.Contains(line, []byte("level=ERROR")) {
		return len(line), nil
	}
	return e.Writer.Write(line)
}
