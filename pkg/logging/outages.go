package logging

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// quietTime is how long nothing more is said of a thing that is down.
const quietTime = 30 * time.Second

// Outages thins out what the loops of a process say while something does not
// answer: each of them meets it with every attempt, people need one line now and
// then. It tells which thing a line is about by a *job.DownError among its values.
type Outages struct {
	// OnDown hears of every attempt that met an outage, said or not; it must not
	// log and not block. May be nil.
	OnDown func(thing string, err error)

	mu   sync.Mutex
	said map[string]*silence // by thing
}

// silence is what was left out since the last line about a thing.
type silence struct {
	since   time.Time
	leftOut int
	over    bool // what was said of it has ended
}

// Handler passes on to next at most one line per thing that is down and 30 s,
// with the number of those before it that were left out.
func (o *Outages) Handler(next slog.Handler) slog.Handler {
	return thinned{Handler: next, outages: o}
}

// Over notes that a thing answers again, and says whether people were told that
// it did not. The next outage is said at once, or 30 s after the last one was: a
// thing that comes and goes must not fill the log.
func (o *Outages) Over(thing string) (told bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.said[thing]
	told = s != nil && !s.over
	if s != nil {
		s.over = true
	}
	return told
}

// turn says whether a line about a thing is to be said now, and how many were not.
func (o *Outages) turn(thing string) (say bool, leftOut int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.said[thing]
	if s != nil && time.Since(s.since) < quietTime {
		s.leftOut++
		return false, 0
	}
	if s != nil {
		leftOut = s.leftOut
	}
	if o.said == nil {
		o.said = map[string]*silence{}
	}
	o.said[thing] = &silence{since: time.Now()}
	return true, leftOut
}

type thinned struct {
	slog.Handler
	outages *Outages
}

func (t thinned) Handle(ctx context.Context, r slog.Record) error {
	down := downIn(r)
	if down == nil {
		return t.Handler.Handle(ctx, r)
	}
	if t.outages.OnDown != nil {
		t.outages.OnDown(down.Thing, down)
	}
	say, leftOut := t.outages.turn(down.Thing)
	if !say {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.Add("such_lines_left_out", leftOut)
	}
	return t.Handler.Handle(ctx, r)
}

func (t thinned) WithAttrs(attrs []slog.Attr) slog.Handler {
	return thinned{Handler: t.Handler.WithAttrs(attrs), outages: t.outages}
}

func (t thinned) WithGroup(name string) slog.Handler {
	return thinned{Handler: t.Handler.WithGroup(name), outages: t.outages}
}

// downIn is the outage that a line is about.
func downIn(r slog.Record) (down *job.DownError) {
	r.Attrs(func(a slog.Attr) bool {
		if err, is := a.Value.Any().(error); is {
			down, _ = errors.AsType[*job.DownError](err)
		}
		return down == nil
	})
	return down
}
