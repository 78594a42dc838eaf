package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	defaultWindow = 5 * time.Second
	defaultRepeat = 10 * time.Minute

	// sendTimeout bounds one message, as in the first cupid.
	sendTimeout = 3 * time.Second
	// retryDelay is how long a message waits after its channel failed.
	retryDelay = time.Minute
	// maxGroups bounds the memory; alerts beyond it are logged only.
	maxGroups = 1000
)

// Config says where alerts go besides the log.
type Config struct {
	// PushbearSendKey turns the pushbear channel on.
	PushbearSendKey job.Secret
	// PushbearBaseURL is for services of the same form; "" is pushbear's own.
	PushbearBaseURL string
	// Window is how long the first alert of a group waits for more; default 5 s.
	Window time.Duration
	// Repeat is how often a group is told again while it goes on; default 10 min.
	Repeat time.Duration
	// Transport makes the requests; nil is one of the notifier's own.
	Transport http.RoundTripper
}

// channel brings one message to people.
type channel interface {
	send(ctx context.Context, title, text string) error
}

// Notifier groups alerts and sends them in the background. It is safe for
// concurrent use.
type Notifier struct {
	window, repeat time.Duration
	channel        channel // nil: log only
	log            *slog.Logger
	wake           chan struct{}

	mu      sync.Mutex
	groups  map[groupID]*group
	cancel  context.CancelFunc // set while the sender runs
	done    chan struct{}
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
func New(c Config, log *slog.Logger) (*Notifier, error) {
	n := &Notifier{
		window: cmp.Or(c.Window, defaultWindow),
		repeat: cmp.Or(c.Repeat, defaultRepeat),
		log:    log,
		wake:   make(chan struct{}, 1),
		groups: map[groupID]*group{},
	}
	if !c.PushbearSendKey.Empty() {
		p, err := newPushbear(c)
		if err != nil {
			return nil, err
		}
		n.channel = p
	}
	return n, nil
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
		n.groups[id] = &group{alert: a, due: time.Now().Add(n.window), logged: true}
		return opened
	}
	if a.Kind != job.AlertBacklog && a.Kind != job.AlertMemory { // levels, not numbers of events
		a.Count += g.alert.Count
	}
	g.alert = a
	return joined
}

// Start starts the sender.
func (n *Notifier) Start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cancel != nil || n.stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.done = cancel, make(chan struct{})
	go n.run(ctx, n.done)
}

// Stop ends the sender and tells what has not been told, until ctx ends. It may
// be called more than once, and without Start.
func (n *Notifier) Stop(ctx context.Context) error {
	n.mu.Lock()
	cancel, done, stopped := n.cancel, n.done, n.stopped
	n.stopped = true
	n.mu.Unlock()
	if stopped {
		return nil
	}
	if cancel != nil {
		cancel()
		<-done // an ended ctx ends the request that it waits for
	}
	return n.flush(ctx)
}

func (n *Notifier) run(ctx context.Context, done chan struct{}) {
	defer close(done)
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
			n.tell(ctx, a)
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

// tell sends one message; after a failure its count goes back to the group.
func (n *Notifier) tell(ctx context.Context, a job.Alert) {
	if err := n.sendOne(ctx, a); err != nil {
		n.putBack(a, time.Now().Add(min(retryDelay, n.repeat)))
		if ctx.Err() == nil {
			n.log.Error("alert not sent, it will be tried again", "kind", string(a.Kind), "job", a.Job, "error", err)
		}
	}
}

func (n *Notifier) sendOne(ctx context.Context, a job.Alert) error {
	if n.channel == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return n.channel.send(ctx, title(a), text(a))
}

func (n *Notifier) putBack(a job.Alert, due time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g, ok := n.groups[groupID{a.Kind, a.Job, a.Destination}]
	if !ok {
		g = &group{alert: a}
		g.alert.Count = 0
		n.groups[groupID{a.Kind, a.Job, a.Destination}] = g
	}
	g.alert.Count += a.Count
	g.due, g.logged = due, true
}

// flush tells everything that waits.
func (n *Notifier) flush(ctx context.Context) error {
	n.mu.Lock()
	var waiting []job.Alert
	for _, g := range n.groups {
		if g.alert.Count > 0 {
			waiting = append(waiting, g.alert)
		}
	}
	clear(n.groups)
	n.mu.Unlock()
	var errs []error
	for _, a := range waiting {
		if err := n.sendOne(ctx, a); err != nil {
			errs = append(errs, fmt.Errorf("send alert %s of %s: %w", a.Kind, place(a), err))
		}
	}
	return errors.Join(errs...)
}
