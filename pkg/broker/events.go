package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// maxEventText bounds what one event takes in Redis, in bytes.
const maxEventText = 500

// NoteEvent adds e to the events of its job, or of the fleet, and gives it the
// time on Redis' clock. Only the newest are kept. Repeated after a lost reply it
// stands there twice.
func (b *Broker) NoteEvent(ctx context.Context, e job.Event) error {
	_, err := run(ctx, b.rdb, eventScript, []string{b.eventsKey(e.Job)}, string(e.Kind), oneLine(e.Who), oneLine(e.What))
	if err != nil {
		return fmt.Errorf("note the event %s of %q: %w", e.Kind, e.Job, err)
	}
	return nil
}

// Events gives the newest n events of a job, newest first; of the fleet for "".
func (b *Broker) Events(ctx context.Context, name string, n int) ([]job.Event, error) {
	if n <= 0 {
		return nil, nil
	}
	lines, err := b.rdb.LRange(ctx, b.eventsKey(name), 0, int64(n)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("read the events of %q: %w", name, redisError(err))
	}
	return eventsOf(name, lines), nil
}

// AllEvents gives the newest n events of the fleet and all its jobs, newest first.
func (b *Broker) AllEvents(ctx context.Context, n int) ([]job.Event, error) {
	names, err := b.JobNames(ctx)
	if err != nil || n <= 0 {
		return nil, err
	}
	names = append(names, "")
	pipe := b.rdb.Pipeline()
	lines := make([]*redis.StringSliceCmd, len(names))
	for i, name := range names {
		lines[i] = pipe.LRange(ctx, b.eventsKey(name), 0, int64(n)-1)
	}
	if err := exec(ctx, pipe); err != nil {
		return nil, fmt.Errorf("read all events: %w", err)
	}
	var all []job.Event
	for i, name := range names {
		all = append(all, eventsOf(name, lines[i].Val())...)
	}
	slices.SortStableFunc(all, func(a, b job.Event) int { return b.At.Compare(a.At) })
	return all[:min(n, len(all))], nil
}

// eventsOf reads lines; one that is no event was written by hand and is left out.
func eventsOf(name string, lines []string) []job.Event {
	events := make([]job.Event, 0, len(lines))
	for _, line := range lines {
		var e struct {
			At   int64         `json:"at"` // ms
			Kind job.EventKind `json:"kind"`
			Who  string        `json:"who"`
			What string        `json:"what"`
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Kind != "" {
			events = append(events, job.Event{At: time.UnixMilli(e.At).UTC(), Job: name, Kind: e.Kind, Who: e.Who, What: e.What})
		}
	}
	return events
}

// oneLine makes a text fit into a line of bounded length.
func oneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c // a byte that is no UTF-8 becomes the replacement character
	}, s)
	if len(s) <= maxEventText {
		return s
	}
	end := maxEventText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
