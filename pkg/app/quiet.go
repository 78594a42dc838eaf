package app

import (
	"context"

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
