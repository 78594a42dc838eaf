package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// FetchCallbacks leases up to n due callbacks of one destination. Like FetchRanges it
// is sent once only, and what could be read comes even with an error.
func (q *Queue) FetchCallbacks(ctx context.Context, destination, worker string, n int) ([]job.LeasedCallback, error) {
	keys := []string{q.keys.spec(), q.keys.paused(), q.keys.callbacks(destination), q.keys.callbacksLeased(), q.keys.parked(), q.keys.pausedDestination(destination)}
	token := newToken()
	reply, err := run(ctx, q.b.once, fetchCallbacksScript, keys, q.spec.Identity, q.spec.Details, worker,
		ms(q.lease), token, n, q.keys.callbackPrefix(), q.keys.troubledPrefix())
	if err != nil {
		return nil, fmt.Errorf("fetch callbacks of %s: %w", q.job, err)
	}
	if err := q.refusal(reply); err != nil {
		return nil, err
	}
	said, err := texts(reply)
	if err != nil {
		return nil, fmt.Errorf("fetch callbacks of %s: %w", q.job, err)
	}
	if len(said) < 2 {
		return nil, fmt.Errorf("fetch callbacks of %s: the reply lacks the time", q.job)
	}
	now := at(said[1])
	leased := make([]job.LeasedCallback, 0, len(said)-2)
	var unreadable []error
	for _, text := range said[2:] {
		c, err := parseCallback(text)
		if err != nil {
			unreadable = append(unreadable, fmt.Errorf("fetch callbacks of %s: %w", q.job, err))
			continue
		}
		c.Token, c.LeasedAt = token, now
		leased = append(leased, c)
	}
	return leased, errors.Join(unreadable...)
}

// parseCallback reads what fetch_callbacks.lua says of one: its fields, the key at
// the end. A number that does not parse is taken as zero: it costs a repeat, not the row.
func parseCallback(text string) (c job.LeasedCallback, err error) {
	c.Stored = text
	for name, rest := "", text; name != lastField; {
		var value string
		var ok bool
		if name, value, rest, ok = nextField(rest); !ok {
			return c, fmt.Errorf("callback %s has no end", c.ID)
		}
		switch name {
		case "id":
			c.ID = job.CallbackID(value)
		case "key":
			c.Key = value
		case "destination":
			c.Destination = value
		case "shard":
			c.Shard, err = job.ParseShard(value)
		case "type":
			c.Type = job.Type(number(value))
		case "hash":
			c.SourceHash = value
		case "webhook":
			c.WebhookID = value
		case "phase":
			c.Phase = job.Phase(value)
		case "seen":
			c.Seen = value
		case "attempts":
			c.Attempts = int(number(value))
		case "first_seen":
			c.FirstSeen = at(value)
		case "hot_since":
			c.HotSince = at(value)
		case "posted":
			c.Posted = value != ""
		case "doubt":
			c.Doubt = value != ""
		case "status":
			c.Status = value
		case "error":
			c.Error = value
		case "trouble":
			c.Trouble = job.AlertKind(value)
		}
	}
	if err == nil && (c.ID == "" || c.Shard == job.Shard{}) {
		err = errors.New("it has no id, or no shard")
	}
	if err != nil {
		return c, fmt.Errorf("callback %s: %w", c.ID, err)
	}
	return c, nil
}

// lastField is the one whose value may hold what divides the others.
const lastField = "key"

// nextField takes the first name and value of what fetch_callbacks.lua says of a callback.
func nextField(text string) (name, value, rest string, ok bool) {
	name, value, ok = strings.Cut(text, "\x00")
	if !ok || name == lastField {
		return name, value, "", ok
	}
	value, rest, ok = strings.Cut(value, "\x00")
	return name, value, rest, ok
}

// stored is the value that a field had when the callback was leased; "" when it had none.
func stored(c job.LeasedCallback, field string) string {
	for rest, ok := c.Stored, true; ok && rest != ""; {
		var name, value string
		if name, value, rest, ok = nextField(rest); name == field {
			return value
		}
	}
	return ""
}

func number(s string) int64 {
	if s == "" { // most times are not there, and an error costs
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func at(s string) time.Time {
	if n := number(s); n > 0 {
		return time.UnixMilli(n).UTC()
	}
	return time.Time{}
}

// waitsIn is what settle.lua calls the end of a lease: the index in its KEYS of the set to wait in, or a word.
var waitsIn = map[job.Phase]string{
	job.Confirm: "4", job.Verify: "5", job.Retry: "6", job.Slow: "7", job.Parked: "8", job.Closed: "close", job.Released: "release",
}

// Settle ends leases, in one round trip; answers come in the order of the settlements.
// Repeated after a lost reply it answers job.SettledLost for what it had done.
func (q *Queue) Settle(ctx context.Context, settlements []job.Settlement) ([]job.Settled, error) {
	if len(settlements) == 0 {
		return nil, nil
	}
	keys := append([]string{q.keys.callbacksLeased()}, q.statKeys()...)
	keys = append(keys, q.keys.confirm(), q.keys.verify(), q.keys.retry(), q.keys.slow(), q.keys.parked())
	const always, each = 9, 7
	args := append(make([]any, 0, always+each*len(settlements)),
		q.keys.callbackPrefix(), q.keys.callbacksPrefix(), int64(counterLife/time.Second),
		q.b.wakeChannel(), q.message(job.WakeDue), q.message(job.WakeCallbacks), ms(q.confirmDelay), q.keys.troubledPrefix(), job.NewWebhookID())
	for _, s := range settlements {
		to, ok := waitsIn[s.To]
		if !ok {
			return nil, fmt.Errorf("settle callback %s: no such phase as %q", s.Callback.ID, s.To)
		}
		kept := fields(s)
		args = append(args, string(s.Callback.ID), s.Callback.Token, to, ms(s.Delay), s.Callback.Seen, s.Counters, len(kept))
		args = append(args, kept...)
	}
	reply, err := run(ctx, q.b.rdb, settleScript, keys, args...)
	if err != nil {
		return nil, fmt.Errorf("settle %d callbacks of %s: %w", len(settlements), q.job, err)
	}
	said, err := texts(reply)
	if err != nil {
		return nil, err
	}
	if len(said) != len(settlements) {
		return nil, fmt.Errorf("settle callbacks of %s: %d answers to %d settlements", q.job, len(said), len(settlements))
	}
	answers := make([]job.Settled, len(said))
	for i, word := range said {
		answers[i] = job.Settled(word)
	}
	return answers, nil
}

// fields are what changes in the hash; an empty value removes the field. Nobody
// else writes them while the lease lasts.
func fields(s job.Settlement) []any {
	c := s.Callback
	if s.To == job.Closed {
		if c.Stored != "" && stored(c, "trouble") == "" {
			return nil
		}
		return []any{"trouble", ""}
	}
	phase := s.To
	if s.To == job.Released {
		phase = c.Phase
	}
	all := [...][2]string{
		{"type", c.Type.String()}, {"hash", c.SourceHash}, {"webhook", c.WebhookID}, {"phase", string(phase)},
		{"attempts", strconv.Itoa(c.Attempts)}, {"hot_since", millis(c.HotSince)}, {"posted", flag(c.Posted)},
		{"doubt", flag(c.Doubt)}, {"status", c.Status}, {"error", c.Error}, {"trouble", string(c.Trouble)},
	}
	changed := make([]any, 0, 2*len(all))
	for _, f := range all {
		if c.Stored == "" || stored(c, f[0]) != f[1] {
			changed = append(changed, f[0], f[1])
		}
	}
	return changed
}

func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}
