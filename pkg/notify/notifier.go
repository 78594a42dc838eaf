package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// window is how long the first alert of a group waits for more.
const window = 5 * time.Second

// maxGroups bounds the memory; alerts beyond it are logged only.
const maxGroups = 1000

// Options are what no config file says.
type Options struct {
	Log   *slog.Logger
	Meter Meter
	// Transport makes the requests; nil is one of the notifier's own.
	Transport http.RoundTripper
}

// Notifier groups alerts and sends them in the background. It is safe for
// concurrent use.
type Notifier struct {
	language Language
	repeat   time.Duration
	lines    []*line // none: log only
	meter    Meter
	log      *slog.Logger
	wake     chan struct{}

	mu      sync.Mutex
	groups  map[groupID]*group
	cancel  context.CancelFunc // set while it runs
	running sync.WaitGroup
	stopped bool
}

type groupID struct {
	kind             job.AlertKind
	job, destination string
}

// group is what came since the last message about it.
type group struct {
	alert  job.Alert // the newest, with the count of all
	due    time.Time // when to tell, or, with nothing to tell, when to forget
	logged bool      // its first alert was logged at once; the message about it needs no line of its own
}

// New makes a notifier; Start starts it.
func New(c Config, o Options) (*Notifier, error) {
	channels, err := Channels(c, o.Transport)
	if err != nil {
		return nil, err
	}
	n := &Notifier{
		language: c.Language,
		repeat:   cmp.Or(c.Repeat, DefaultRepeat),
		meter:    o.Meter,
		log:      o.Log,
		wake:     make(chan struct{}, 1),
		groups:   map[groupID]*group{},
	}
	for _, channel := range channels {
		n.lines = append(n.lines, newLine(channel, n.repeat, n.meter, n.log))
	}
	return n, nil
}

// Kinds are the kinds of its channels.
func (n *Notifier) Kinds() []string {
	kinds := make([]string, len(n.lines))
	for i, l := range n.lines {
		kinds[i] = l.channel.Kind
	}
	return kinds
}

// Failing are the channels that do not work now, and why.
func (n *Notifier) Failing() []string {
	var failing []string
	for _, l := range n.lines {
		if why := l.why(); why != "" {
			failing = append(failing, l.channel.Place+": "+why)
		}
	}
	return failing
}

// Notify logs the first alert of a group at once and leaves the rest to the
// background, which tells of all that followed at intervals: a receiver that is
// down for ten thousand callbacks is one event. It never waits for a channel.
func (n *Notifier) Notify(a job.Alert) {
	a.Count = max(a.Count, 1)
	switch n.add(a) {
	case full:
		n.log.Warn("too many alert groups, this alert is not sent", "kind", string(a.Kind), "job", a.Job)
		return
	case opened:
		n.write(a)
	case joined:
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *Notifier) write(a job.Alert) {
	n.log.Warn("alert", "kind", string(a.Kind), "job", a.Job, "destination", a.Destination,
		"count", a.Count, "code", a.Code, "detail", a.Detail)
}

// added is what became of an alert.
type added uint8

const (
	full added = iota
	opened
	joined
)

// add puts a into its group.
func (n *Notifier) add(a job.Alert) added {
	id := groupID{a.Kind, a.Job, a.Destination}
	n.mu.Lock()
	defer n.mu.Unlock()
	g, known := n.groups[id]
	if !known {
		if len(n.groups) >= maxGroups {
			return full
		}
		n.groups[id] = &group{alert: a, due: time.Now().Add(window), logged: true}
		return opened
	}
	if a.Kind != job.AlertBacklog && a.Kind != job.AlertMemory { // levels, not numbers of events
		a.Count += g.alert.Count
	}
	g.alert = a
	return joined
}

// Start starts the sending.
func (n *Notifier) Start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cancel != nil || n.stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	n.running.Go(func() { n.run(ctx) })
	for _, l := range n.lines {
		n.running.Go(func() { l.run(ctx) })
	}
}

// Stop ends the sending and tells what has not been told, until ctx ends. It may
// be called more than once, and without Start.
func (n *Notifier) Stop(ctx context.Context) error {
	n.mu.Lock()
	cancel, stopped := n.cancel, n.stopped
	n.stopped = true
	n.mu.Unlock()
	if stopped {
		return nil
	}
	if cancel != nil {
		cancel()
		n.running.Wait() // an ended ctx ends the requests that it waits for
	}
	n.flushGroups()
	errs := make([]error, len(n.lines))
	var flushing sync.WaitGroup
	for i, l := range n.lines {
		flushing.Go(func() { errs[i] = l.flush(ctx) })
	}
	flushing.Wait()
	return errors.Join(errs...)
}

func (n *Notifier) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
		case <-timer.C:
		}
		for _, a := range n.take(time.Now()) {
			n.tell(a)
		}
		timer.Reset(n.untilDue(time.Now()))
	}
}

// take returns what is due. A group that has just been told stays for one more
// repeat interval, so that what follows is held back for as long.
func (n *Notifier) take(now time.Time) []job.Alert {
	n.mu.Lock()
	defer n.mu.Unlock()
	var due []job.Alert
	for id, g := range n.groups {
		switch {
		case g.due.After(now):
		case g.alert.Count == 0:
			delete(n.groups, id)
		default:
			due = append(due, g.alert)
			if !g.logged {
				n.write(g.alert)
			}
			g.alert.Count, g.logged = 0, false
			g.due = now.Add(n.repeat)
		}
	}
	return due
}

// untilDue is how long nothing will happen.
func (n *Notifier) untilDue(now time.Time) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	wait := n.repeat
	for _, g := range n.groups {
		wait = min(wait, g.due.Sub(now))
	}
	return max(wait, 0)
}

// tell hands one message to every channel.
func (n *Notifier) tell(a job.Alert) {
	for _, l := range n.lines {
		l.add(waiting{subject: groupID{a.Kind, a.Job, a.Destination}, message: n.language.message(a), came: time.Now()})
	}
}

// flushGroups hands over everything that waits.
func (n *Notifier) flushGroups() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, g := range n.groups {
		if g.alert.Count > 0 {
			n.tell(g.alert)
		}
	}
	clear(n.groups)
}
