package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/embedded"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/logging"
	"github.com/masixun71/cupid-go/pkg/notify"
	"github.com/masixun71/cupid-go/pkg/pulse"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
	"github.com/masixun71/cupid-go/pkg/worker"
)

// Role is what a process does.
type Role string

// The roles.
const (
	Scheduler Role = "scheduler"
	Worker    Role = "worker"
	Both      Role = "cupid"
)

// ports are where each role serves health and metrics by default.
var ports = map[Role]int{Both: 8320, Scheduler: 8321, Worker: 8322}

// DefaultAddr fills what an admin address of the config leaves to the role.
func DefaultAddr(addr string, role Role) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port != "0" {
		return addr
	}
	return net.JoinHostPort(host, strconv.Itoa(ports[role]))
}

// Options are what the config file does not say.
type Options struct {
	Role    Role
	Console io.Writer
	// Name tells several Apps of one process apart.
	Name string
}

// App is one process' worth of cupid.
type App struct {
	c        *config.Config
	role     Role
	host     string
	id       string // "host:pid", the holder of leases and locks
	started  time.Time
	phase    time.Duration // at which its scans look, so that not all processes do so at once
	log      *slog.Logger
	broker   *broker.Broker
	notifier *notify.Notifier
	admin    *admin.Server
	store    *embedded.Store
	slots    *worker.Slots
	meters   *meters
	gates    *gates
	lags     *lags
	pools    mysql.Pools // of all jobs
	pulse    pulse.Monitor
	teller   *teller // of the fleet

	teardown []step

	outages *outages
	rescans chan rescanOrder
	reloads chan *config.Config // holds the newest that is not followed yet
	changed chan struct{}       // holds one when the registry should hear of this process before the next beat

	look lastLook

	mu       sync.Mutex
	jobs     []*jobRun // in the order of the config; behind them those that left it and have not ended
	bad      []config.BadJob
	reloaded bool
	quiet    string // who has this process fetch nothing more, and why
	unread   string // why the last reading of the config was refused
	down     map[string]string
}

// step is one thing to undo at the end.
type step struct {
	name string
	undo func(context.Context) error
}

// ErrConfig marks a mistake in config, schema or credentials, which no waiting mends.
var ErrConfig = errors.New("mistake in the configuration")

// New wires everything and binds the admin address; it dials no server and
// starts no loop. What it made is undone by Stop, also after an error of Run.
func New(c *config.Config, o Options) (_ *App, err error) {
	a := &App{
		c: c, role: o.Role, started: time.Now(), phase: rand.N(time.Hour), outages: newOutages(), bad: c.Bad, down: map[string]string{},
		rescans: make(chan rescanOrder), reloads: make(chan *config.Config, 1), changed: make(chan struct{}, 1),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.Background()))
		}
	}()
	a.host = hostName()
	a.id = fmt.Sprintf("%s:%d", a.host, os.Getpid())
	if o.Name != "" {
		a.id += "/" + o.Name
	}

	if c.Redis == nil && o.Role != Both {
		return nil, fmt.Errorf("%w: %s needs a Redis that it shares with the others: add a redis block to %s or set CUPID_REDIS_ADDR (only the cupid command keeps one in itself)", ErrConfig, o.Role, c.Path)
	}
	if err := a.openLog(o); err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	a.meters = newMeters(registry)
	if err := a.openBroker(); err != nil {
		return nil, err
	}
	a.slots = worker.NewSlots(c.Worker.Comparers)
	if a.notifier, err = notify.New(c.Alerts, notify.Options{Log: a.log, Meter: a.meters.channels()}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	a.meters.zeros(a.notifier.Kinds())
	a.teller = newTeller(a, "")
	a.teller.read = a.broker.Alerts
	a.gates = newGates(c.Load, a.broker.Permits(c.Process.Lease), a.noteWait())
	a.lags = newLags(a.log, a.meters.replicaLag)
	if o.Role != Worker {
		registry.MustRegister(collector{
			jobs: func(ctx context.Context) ([]job.State, error) {
				jobs, _, err := a.states(ctx, time.Second)
				return jobs, err
			},
			receivers: a.broker.Receivers,
		})
	}
	if err := a.openAdmin(registry); err != nil {
		return nil, err
	}
	for _, j := range c.Jobs {
		a.jobs = append(a.jobs, a.newRun(j))
	}
	return a, nil
}

func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return host
}

func (a *App) onStop(name string, undo func(context.Context) error) {
	a.teardown = append(a.teardown, step{name: name, undo: undo})
}

// names say which jobs a process works on, for file names.
func names(c *config.Config) string {
	if len(c.Jobs) == 1 {
		return c.Jobs[0].Name
	}
	return fileName(c)
}

// fileName is that of the config, without what says its form.
func fileName(c *config.Config) string {
	base := filepath.Base(c.Path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// openAdmin binds the address of health and metrics; what does more than work has API and page too.
func (a *App) openAdmin(registry *prometheus.Registry) (err error) {
	c := admin.Config{
		Addr: DefaultAddr(a.c.HTTP.Addr, a.role), Role: string(a.role), DefaultPort: ports[a.role], Token: a.c.HTTP.Token, Open: a.c.HTTP.Open,
	}
	s := admin.Sources{Alive: a.hanging, Ready: a.notReady, Status: a.Status, Registry: registry}
	if a.role != Worker {
		of := fleet{ledger{a.broker}, a}
		s.Fleet, s.Steering = of, of
	}
	if a.admin, err = admin.New(c, s, a.log); err != nil {
		return err
	}
	a.onStop("admin server", a.admin.Stop)
	return nil
}

func (a *App) openLog(o Options) error {
	log, closeLog, err := logging.New(logging.Config{
		Dir: a.c.Log.Dir, Format: a.c.Log.Format, Level: a.c.Log.Level, MaxSizeMB: a.c.Log.MaxSizeMB, MaxFiles: a.c.Log.MaxFiles,
	}, string(a.role)+"-"+names(a.c), cmp.Or[io.Writer](o.Console, os.Stderr))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	a.onStop("log", func(context.Context) error { return closeLog() })
	a.log = slog.New(a.outages.lines.Handler(log.Handler())).With("role", a.role, "process", a.id)
	a.warn(a.c)
	for _, bad := range a.c.Bad {
		a.log.Error("this job has mistakes and does not run, the others do", "job", bad.Name, "error", bad.Err)
	}
	return nil
}

// openBroker opens the Redis of the config, or the one that is kept in this process.
func (a *App) openBroker() error {
	c := a.c.Redis
	if c == nil {
		path := statePath(a.c)
		store, err := embedded.Open(path, a.log)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
		a.store = store
		a.onStop("embedded store", func(context.Context) error { return store.Close() })
		store.Start()
		a.log.Info("no redis is configured: work is kept in this process and its state file", "file", path)
		c = &broker.Config{Addrs: []string{store.Addr()}}
	}
	a.broker = broker.Open(*c, broker.Options{Name: "cupid-" + string(a.role), Ear: a.meters.ear()})
	a.outages.probe(broker.Thing, a.probeRedis)
	a.onStop("redis", func(context.Context) error { return a.broker.Close() })
	return nil
}

// statePath is the file of the embedded store; the config may name its folder. Its name
// there is made of the jobs, which come and go: one that was begun with others is used further.
func statePath(c *config.Config) string {
	path := cmp.Or(c.State, ".")
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path
	}
	file := func(name string) string { return filepath.Join(path, "cupid-"+name+".state.json") }
	for _, name := range append([]string{names(c), fileName(c)}, jobsOf(c)...) {
		if info, err := os.Stat(file(name)); err == nil && info.Mode().IsRegular() {
			return file(name)
		}
	}
	return file(names(c))
}

func jobsOf(c *config.Config) []string {
	var all []string
	for _, j := range c.Jobs {
		all = append(all, j.Name)
	}
	for _, bad := range c.Bad {
		all = append(all, bad.Name)
	}
	return all
}

// Addr is where health and metrics are served.
func (a *App) Addr() string { return a.admin.Addr() }

// Log is the process' logger.
func (a *App) Log() *slog.Logger { return a.log }

// Run works until ctx ends. The error is ErrConfig when nothing of the config
// can be run.
func (a *App) Run(ctx context.Context) error {
	a.log.Info("starting", "version", Version, "config", a.c.Path, "address", a.Addr(), "jobs", len(a.runs()))
	a.admin.Start()    //nolint:contextcheck // it ends with Stop
	a.notifier.Start() //nolint:contextcheck // it ends with Stop, which tells the last alerts
	defer a.stopNotifier(ctx)
	if err := a.waitForRedis(ctx); err != nil || ctx.Err() != nil {
		return err
	}

	if err := a.patiently(ctx, "redis", a.adoptState); err != nil || ctx.Err() != nil {
		return err
	}

	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var loops sync.WaitGroup
	loops.Go(func() { a.outages.watch(ctx, a.log) })
	loops.Go(func() { a.hear(ctx) })
	loops.Go(func() { a.beat(ctx, end) })
	loops.Go(func() { a.report(ctx) })
	loops.Go(func() { a.rescanner(ctx) })
	loops.Go(func() { a.teller.run(ctx) })
	a.runJobs(ctx)
	stopped := ctx.Err() != nil
	end(nil)
	loops.Wait()
	if !stopped {
		return a.nothingRuns()
	}
	if why := context.Cause(ctx); errors.Is(why, broker.ErrLayout) {
		return fmt.Errorf("%w: %s: %w", ErrConfig, a.redisAddrs(), why)
	}
	a.log.Info("stopped")
	return nil
}

// nothingRuns joins why each job ended by itself.
func (a *App) nothingRuns() error {
	var all []error
	for _, r := range a.runs() {
		err := r.failure()
		if !errors.Is(err, ErrConfig) {
			err = fmt.Errorf("%w: %w", ErrConfig, err)
		}
		all = append(all, fmt.Errorf("job %s: %w", r.job.Name, err))
	}
	return errors.Join(all...)
}

func (a *App) stopNotifier(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
	defer cancel()
	if err := a.notifier.Stop(ctx); err != nil {
		a.log.Info("the last alerts were not sent", "error", err)
	}
}

// Stop undoes what New made, last first. It may be called twice.
func (a *App) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var all []error
	for len(a.teardown) > 0 {
		last := a.teardown[len(a.teardown)-1]
		a.teardown = a.teardown[:len(a.teardown)-1]
		if err := last.undo(ctx); err != nil {
			all = append(all, fmt.Errorf("stop %s: %w", last.name, err))
		}
	}
	return errors.Join(all...)
}

// waitForRedis checks the server before work begins; one that is down is waited for.
func (a *App) waitForRedis(ctx context.Context) error {
	return a.patiently(ctx, "redis", func(ctx context.Context) error {
		warnings, err := a.broker.Check(ctx, a.store != nil)
		if errors.Is(err, broker.ErrRefused) {
			return fmt.Errorf("%w: %s: %w", ErrConfig, a.redisAddrs(), err)
		}
		for _, w := range warnings {
			a.log.Warn("redis works, but could be set up better", "warning", w)
		}
		if err == nil && a.store != nil {
			err = a.broker.ForgetLocks(ctx) // a process that died left them in its state file
		}
		return err
	})
}

func (a *App) redisAddrs() string {
	if a.c.Redis == nil {
		return "the embedded store"
	}
	return strings.Join(a.c.Redis.Addrs, ", ")
}

// patiently repeats try until it succeeds, ctx ends, or the error is ErrConfig.
// It says what it waits for at once and then every 30 s, and shows it as not ready.
func (a *App) patiently(ctx context.Context, what string, try func(context.Context) error) error {
	const shortest, longest, quiet = 500 * time.Millisecond, 5 * time.Second, 30 * time.Second
	defer a.setDown(what, "")
	var said time.Time
	for pause := shortest; ctx.Err() == nil; pause = min(pause*3/2, longest) {
		err := try(ctx)
		if err == nil || errors.Is(err, ErrConfig) {
			return err
		}
		a.setDown(what, err.Error())
		if ctx.Err() == nil && time.Since(said) > quiet {
			a.log.Warn("waiting for a server", "what", what, "error", err)
			said = time.Now()
		}
		sleep(ctx, pause*4/5+rand.N(pause*2/5))
	}
	return nil
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (a *App) setDown(what, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if why == "" {
		delete(a.down, what)
	} else {
		a.down[what] = why
	}
}

// hear hands hints to the workers of their jobs.
func (a *App) hear(ctx context.Context) {
	for ctx.Err() == nil {
		err := a.broker.Hints(ctx, func(h broker.Hint) {
			if h.What == broker.WakeQuiet {
				a.tellRegistry() // which says whether this process is meant
				return
			}
			for _, r := range a.runs() {
				if w := r.current(); w != nil && (h.Job == "" || h.Job == r.job.Name) {
					w.Wake(h.What)
				}
			}
		})
		if ctx.Err() == nil {
			a.log.Warn("hints from redis ended and begin again", "error", err)
			sleep(ctx, time.Second+rand.N(time.Second))
		}
	}
}
