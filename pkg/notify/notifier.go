// Package notify tells people that something needs them.
package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Options are what no config file says.
type Options struct {
	Log   *slog.Logger
	Meter Meter
	// Transport makes the requests; nil is one of the notifier's own.
	Transport http.RoundTripper
}

// Notifier brings messages to people, through all channels at once. It is safe for
// concurrent use.
type Notifier struct {
	language Language
	repeat   time.Duration
	lines    []*line // none: log only
	meter    Meter
	log      *slog.Logger

	mu      sync.Mutex
	cancel  context.CancelFunc // set while it runs
	running sync.WaitGroup
	stopped bool
}

// New makes a notifier; Start starts it.
func New(c Config, o Options) (*Notifier, error) {
	channels, err := Channels(c, o.Transport)
	if err != nil {
		return nil, err
	}
	n := &Notifier{language: c.Language, repeat: cmp.Or(c.Repeat, DefaultRepeat), meter: o.Meter, log: o.Log}
	for _, channel := range channels {
		n.add(channel)
	}
	return n, nil
}

func (n *Notifier) add(c Channel) {
	n.lines = append(n.lines, newLine(c, n.repeat, n.meter, n.log))
}

// Repeat is how often people are told again of what goes on.
func (n *Notifier) Repeat() time.Duration { return n.repeat }

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

// Order is a message to bring to people.
type Order struct {
	job.Telling
	// Within is how long the message may wait for the first channel that takes it; then
	// it is somebody else's to tell. 0 is as long as it is worth telling.
	Within time.Duration
	// Told is called once, when the first channel has taken it; without any channel, when it is in the log.
	Told func(context.Context)
}

// Tell writes an alert into the log and hands it to every channel. It never waits
// for one; Told may be called before it returns.
func (n *Notifier) Tell(ctx context.Context, o Order) {
	n.write(ctx, o.Telling)
	s := &sending{id: o.ID(), message: n.language.message(o.Telling), came: time.Now(), within: o.Within, told: o.Told}
	if len(n.lines) == 0 {
		s.taken(ctx)
	}
	for _, l := range n.lines {
		l.add(s)
	}
}

// write tells the log of what nobody was to tell before.
func (n *Notifier) write(ctx context.Context, t job.Telling) {
	if !t.First {
		return
	}
	level, text := slog.LevelWarn, "alert"
	switch t.News {
	case job.NewsAgain:
		text = "alert goes on"
	case job.NewsOver:
		level, text = slog.LevelInfo, "alert is over"
	case job.NewsOn:
	}
	n.log.Log(ctx, level, text, "kind", string(t.Kind), "job", t.Job, "destination", t.Destination, //nolint:sloglint // one of three
		"count", t.Count, "code", t.Code, "for", t.For.Round(time.Second))
}

// sending is a message on its way through all channels.
type sending struct {
	id      job.AlertID
	message message
	came    time.Time
	within  time.Duration
	told    func(context.Context)
	once    sync.Once
	took    atomic.Bool // a channel has taken it
}

func (s *sending) taken(ctx context.Context) {
	s.took.Store(true)
	if s.told != nil {
		s.once.Do(func() { s.told(ctx) })
	}
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
	errs := make([]error, len(n.lines))
	var flushing sync.WaitGroup
	for i, l := range n.lines {
		flushing.Go(func() { errs[i] = l.flush(ctx) })
	}
	flushing.Wait()
	return errors.Join(errs...)
}
