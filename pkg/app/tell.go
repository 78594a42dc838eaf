package app

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/notify"
)

const (
	// lookEvery is how often a process looks whether people have to know of something
	// that it heard nothing of, where it has few jobs; with more it looks at each more
	// seldom, up to lookSeldom.
	lookEvery  = 20 * time.Second
	lookSeldom = time.Minute
	// gather is how long it waits after it heard: a receiver that goes down fails many callbacks.
	gather = 5 * time.Second
	// tellWithin leaves a telling that no channel takes to another process, after its claim ends.
	tellWithin = broker.TellWithin * 2 / 3
)

// teller tells people of what is so, as the queue holds it: all processes look, and
// the one that finds it first tells. So it is told also when the process that
// caused it is gone, and once only.
type teller struct {
	a    *App
	job  string // "" for the fleet
	read func(context.Context) (alerts []job.Alert, told bool, err error)
	bell chan struct{}
}

func newTeller(a *App, name string) *teller {
	return &teller{a: a, job: name, bell: make(chan struct{}, 1)}
}

// ring says that there may be something to tell. It never waits.
func (t *teller) ring() {
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

func (t *teller) loop() string {
	if t.job == "" {
		return "teller"
	}
	return "teller of job " + t.job
}

// run looks until ctx ends.
func (t *teller) run(ctx context.Context) {
	defer t.a.pulse.End(t.loop())
	for ctx.Err() == nil {
		every := t.every()
		t.a.pulse.Turn(t.loop(), every*6/5+gather+t.a.turnTime())
		if err := t.look(ctx); err != nil && ctx.Err() == nil {
			t.a.log.Warn("what people have to know could not be read", "job", t.job, "error", err)
		}
		pause := time.NewTimer(every*4/5 + rand.N(every*2/5))
		select {
		case <-pause.C:
		case <-t.bell:
			sleep(ctx, gather)
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

// every is how often to look unasked.
func (t *teller) every() time.Duration {
	if t.job == "" {
		return lookEvery
	}
	return max(lookEvery, t.a.seldom(lookSeldom/6)*6)
}

func (t *teller) look(ctx context.Context) error {
	alerts, told, err := t.read(ctx)
	if err != nil || len(alerts) == 0 && !told {
		return err
	}
	tellings, err := t.a.broker.ClaimAlerts(ctx, t.job, alerts, t.a.notifier.Repeat())
	for _, telling := range tellings {
		t.a.notifier.Tell(ctx, notify.Order{Telling: telling, Within: tellWithin, Told: func(ctx context.Context) { t.a.noteTold(ctx, telling) }})
	}
	return err
}

// noteTold keeps others from telling the same, and notes the beginning and the end among the events.
func (a *App) noteTold(ctx context.Context, t job.Telling) {
	first, err := a.broker.NoteTold(ctx, t)
	if err == nil && first && t.News != job.NewsAgain {
		e := job.Event{Job: t.Job, Kind: job.EventAlertRaised, Who: a.id, What: notify.English.Say(t)}
		if t.News == job.NewsOver {
			e.Kind = job.EventAlertOver
		}
		err = a.broker.NoteEvent(ctx, e)
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("it was not noted that people were told, they may be told again", "error", err)
	}
}
