package app

import (
	"context"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
)

// hearQuiet asks whether a person has this process fetch nothing more. What is leased
// is finished, and what falls due is still promoted, which any process does for all.
func (a *App) hearQuiet(ctx context.Context) error {
	hold, err := a.broker.Quieted(ctx, a.id)
	if err != nil {
		return err
	}
	a.mu.Lock()
	before := a.quiet
	a.quiet = hold
	a.mu.Unlock()
	switch {
	case hold != "" && before == "":
		a.log.Warn("nothing more is fetched here, a person holds this process", "held_by", hold)
	case hold == "" && before != "":
		a.log.Info("this process goes on, nobody holds it any more")
		for _, r := range a.runs() {
			if w := r.current(); w != nil {
				w.Wake(job.WakeAll)
			}
		}
	}
	return nil
}

// held says who has this process fetch nothing more, and why; "" when nobody does.
func (a *App) held() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.quiet
}

// QuietProcess has a process of the fleet finish what it leased and fetch nothing more, and leaves an event.
func QuietProcess(ctx context.Context, c *config.Config, process, who, why string) error {
	return withRedis(c, func(b *broker.Broker) error { return b.Quiet(ctx, process, who, why) })
}

// LoudProcess has a quiet process go on, and leaves an event; held says whether it was quiet.
func LoudProcess(ctx context.Context, c *config.Config, process, who string) (held bool, err error) {
	err = withRedis(c, func(b *broker.Broker) (err error) {
		held, err = b.Loud(ctx, process, who)
		return err
	})
	return held, err
}
