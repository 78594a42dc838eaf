package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// TellWithin is how long a process has to tell people of what it claimed to tell.
	TellWithin = 30 * time.Second
	// calm is how long after people were told of something its end is told at the earliest.
	calm = time.Minute
)

// callbackTroubles are the kinds that open callbacks are marked with.
var callbackTroubles = strings.Join([]string{
	string(job.AlertSlow), string(job.AlertNoEffect), string(job.AlertParked), string(job.AlertSeveral),
}, " ")

// Alerts are what people have to know of the job now. told says that they were told of something.
func (q *Queue) Alerts(ctx context.Context) (alerts []job.Alert, told bool, err error) {
	args := []any{
		q.keys.troubledPrefix(), q.keys.callbackPrefix(), q.keys.rangePrefix(),
		q.limits.MaxCallbacks, below(q.limits.MaxCallbacks), callbackTroubles,
		q.keys.pausedDestination(""), brakeHolder,
	}
	keys := append([]string{q.keys.told(), q.keys.stalled()}, q.keys.open()...)
	reply, err := run(ctx, q.b.rdb, readAlertsScript, keys, append(args, anys(q.keys.destinations)...)...)
	if err != nil {
		return nil, false, fmt.Errorf("read the alerts of %s: %w", q.job, err)
	}
	said, err := texts(reply)
	if err != nil {
		return nil, false, err
	}
	const values = 5 // of each
	for f := range slices.Chunk(said[1:], values) {
		alerts = append(alerts, job.Alert{
			Kind: job.AlertKind(f[0]), Job: q.job, Destination: f[1], Count: int(number(f[2])), Code: f[3], Fading: f[4] == fading,
		})
	}
	return alerts, said[0] == "1", nil
}

const fading = "fading"

// below is where a level that was reached counts as left: not at the mark itself,
// about which it may go up and down all the time.
func below(mark int) int { return mark - mark/5 }

// Alerts are what people have to know of the fleet now. told says that they were told of something.
func (b *Broker) Alerts(ctx context.Context) (alerts []job.Alert, told bool, err error) {
	n, err := b.rdb.Exists(ctx, b.toldKey("")).Result()
	if err != nil {
		return nil, false, fmt.Errorf("read the alerts: %w", redisError(err))
	}
	receivers, err := b.Receivers(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, r := range receivers {
		if r.Down() {
			alerts = append(alerts, job.Alert{Kind: job.AlertBreaker, Destination: r.Host, Count: 1, Code: r.Code})
		}
	}
	if used := b.Memory(ctx); used >= below(mostMemory) {
		alerts = append(alerts, job.Alert{Kind: job.AlertMemory, Count: used, Fading: used < mostMemory})
	}
	return alerts, n > 0, nil
}

// ClaimAlerts gives what this process is to tell people of a job, or of the fleet for
// "": alerts are all that is so now. What it tells has to be followed by NoteTold
// within TellWithin, or another is to tell it. People are told again of what goes on.
func (b *Broker) ClaimAlerts(ctx context.Context, name string, alerts []job.Alert, again time.Duration) ([]job.Telling, error) {
	args := []any{newToken(), ms(again), ms(calm), ms(TellWithin)}
	byField := map[string]job.Alert{}
	for _, a := range alerts {
		word := "on"
		if a.Fading {
			word = fading
		}
		byField[alertField(a)] = a
		args = append(args, alertField(a), word)
	}
	reply, err := run(ctx, b.rdb, claimAlertsScript, []string{b.toldKey(name)}, args...)
	if err != nil {
		return nil, fmt.Errorf("claim the alerts of %q: %w", name, err)
	}
	said, err := texts(reply)
	if err != nil {
		return nil, err
	}
	const values = 4 // of each
	tellings := make([]job.Telling, 0, len(said)/values)
	for f := range slices.Chunk(said, values) {
		kind, destination, _ := strings.Cut(f[0], ":")
		a, so := byField[f[0]]
		if !so {
			a = job.Alert{Kind: job.AlertKind(kind), Job: name, Destination: destination}
		}
		tellings = append(tellings, job.Telling{
			Alert: a, News: job.News(f[1]), First: f[2] == "1", For: time.Duration(number(f[3])) * time.Millisecond,
		})
	}
	return tellings, nil
}

// NoteTold notes that people were told. first says that nobody else has noted it.
func (b *Broker) NoteTold(ctx context.Context, t job.Telling) (first bool, err error) {
	reply, err := run(ctx, b.rdb, noteToldScript, []string{b.toldKey(t.Job)}, alertField(t.Alert), string(t.News))
	if err != nil {
		return false, fmt.Errorf("note that people were told of %s: %w", alertField(t.Alert), err)
	}
	n, err := numbers(reply, 1)
	return err == nil && n[0] == 1, err
}

// Told is what people know to be so of a job, or of the fleet for "", and since when: "<kind>:<destination>" → when.
func (b *Broker) Told(ctx context.Context, name string) (map[string]time.Time, error) {
	found, err := b.rdb.HGetAll(ctx, b.toldKey(name)).Result()
	if err != nil {
		return nil, redisError(err)
	}
	return knownSince(found), nil
}

// knownSince reads of a hash of what people were told of what goes on.
func knownSince(found map[string]string) map[string]time.Time {
	told := map[string]time.Time{}
	for field, value := range found {
		if words := strings.Fields(value); len(words) == 4 && words[0] == "on" {
			told[field] = at(words[3])
		}
	}
	return told
}

// alertField is an alert's name in the hash of what people were told of.
func alertField(a job.Alert) string { return string(a.Kind) + ":" + a.Destination }
