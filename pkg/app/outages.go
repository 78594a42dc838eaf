package app

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/logging"
)

// outages knows what this process needs and cannot reach. It learns of an outage
// from the loops that met it and asks the thing itself whether it is over, so
// that nothing is asked while all is well.
type outages struct {
	lines  logging.Outages
	begins chan struct{} // holds one when there is something new to look at

	mu     sync.Mutex
	probes map[string][]*way // by thing
	down   map[string]outage
}

// way is how to ask whether a thing is there.
type way struct{ ask func(context.Context) error }

type outage struct {
	since time.Time
	why   string
}

func newOutages() *outages {
	o := &outages{begins: make(chan struct{}, 1), probes: map[string][]*way{}, down: map[string]outage{}}
	o.lines.OnDown = o.met
	return o
}

// probe says how to ask a thing whether it is there, until forget is called. Of
// several ways the last one counts; without any it is nobody's concern any more.
func (o *outages) probe(thing string, ask func(context.Context) error) (forget func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	mine := &way{ask}
	o.probes[thing] = append(o.probes[thing], mine)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.probes[thing] = slices.DeleteFunc(o.probes[thing], func(w *way) bool { return w == mine })
		if len(o.probes[thing]) == 0 {
			delete(o.probes, thing)
			delete(o.down, thing)
			o.lines.Over(thing)
		}
	}
}

func (o *outages) met(thing string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.down[thing]; known || o.probes[thing] == nil {
		return
	}
	o.down[thing] = outage{since: time.Now(), why: err.Error()}
	select {
	case o.begins <- struct{}{}:
	default:
	}
}

// now is what is down, and why.
func (o *outages) now() map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	why := make(map[string]string, len(o.down))
	for thing, d := range o.down {
		why[thing] = d.why
	}
	return why
}

// watch asks what is down until it answers, more and more rarely, and says so then.
func (o *outages) watch(ctx context.Context, log *slog.Logger) {
	const shortest, longest = time.Second, 10 * time.Second
	for ctx.Err() == nil {
		select {
		case <-o.begins:
		case <-ctx.Done():
			return
		}
		for pause := shortest; len(o.now()) > 0 && ctx.Err() == nil; pause = min(2*pause, longest) {
			sleep(ctx, pause*4/5+rand.N(pause*2/5))
			for thing := range o.now() {
				o.ask(ctx, log, thing)
			}
		}
	}
}

func (o *outages) ask(ctx context.Context, log *slog.Logger, thing string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	o.mu.Lock()
	ways, began := o.probes[thing], o.down[thing].since
	if len(ways) == 0 {
		o.mu.Unlock()
		return
	}
	ask := ways[len(ways)-1].ask
	o.mu.Unlock()
	if ask(ctx) != nil {
		return
	}
	if o.lines.Over(thing) {
		log.Info("it answers again", "what", thing, "after", time.Since(began).Round(time.Second))
	}
	o.mu.Lock()
	delete(o.down, thing)
	o.mu.Unlock()
}
