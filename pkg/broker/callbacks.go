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
	reply, err := run(ctx, q.b.once, fetchCallbacksScript, keys, q.spec.Identity, q.spec.Details, worker,
		ms(q.lease), newToken(), n, q.keys.callbackPrefix(), q.keys.troubledPrefix())
	if err != nil {
		return nil, fmt.Errorf("fetch callbacks of %s: %w", q.job, err)
	}
	if err := q.refusal(reply); err != nil {
		return nil, err
	}
	if len(reply) < 2 {
		return nil, fmt.Errorf("fetch callbacks of %s: the reply lacks the time", q.job)
	}
	now := at(fmt.Sprint(reply[1]))
	leased := make([]job.LeasedCallback, 0, len(reply)-2)
	var unreadable []error
	for _, item := range reply[2:] {
		c, err := parseCallback(item)
		if err != nil {
			unreadable = append(unreadable, fmt.Errorf("fetch callbacks of %s: %w", q.job, err))
			continue
		}
		c.LeasedAt = now
		leased = append(leased, c)
	}
	return leased, errors.Join(unreadable...)
}

// parseCallback reads fields, key, id, token. A number that does not parse is
// taken as zero: it costs a repeat, not the row.
func parseCallback(item any) (job.LeasedCallback, error) {
	values, ok := item.([]any)
	if !ok {
		return job.LeasedCallback{}, fmt.Errorf("a callback is %T, want a list", item)
	}
	said, err := texts(values)
	if err != nil {
		return job.LeasedCallback{}, err
	}
	const parts = 4
	if len(said) != parts {
		return job.LeasedCallback{}, fmt.Errorf("a callback has %d values", len(said))
	}
	fields, key, id, token := job.Fields(strings.Split(said[0], "\x00")), said[1], said[2], said[3]
	if len(fields)%2 != 0 {
		return job.LeasedCallback{}, fmt.Errorf("callback %s has %d names and values", id, len(fields))
	}
	shard, err := job.ParseShard(fields.Get("shard"))
	if err != nil {
		return job.LeasedCallback{}, fmt.Errorf("callback %s: %w", id, err)
	}
	return job.LeasedCallback{
		ID: job.CallbackID(id), Token: token,
		Destination: fields.Get("destination"), Shard: shard, Key: key,
		Type: job.Type(number(fields.Get("type"))), SourceHash: fields.Get("hash"), WebhookID: fields.Get("webhook"),
		Phase: job.Phase(fields.Get("phase")), Seen: fields.Get("seen"), Attempts: int(number(fields.Get("attempts"))),
		FirstSeen: at(fields.Get("first_seen")), HotSince: at(fields.Get("hot_since")),
		Posted: fields.Get("posted") != "", Doubt: fields.Get("doubt") != "",
		Status: fields.Get("status"), Error: fields.Get("error"), Trouble: job.AlertKind(fields.Get("trouble")),
		Stored: fields,
	}, nil
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
	args := []any{
		q.keys.callbackPrefix(), q.keys.callbacksPrefix(), int64(counterLife / time.Second),
		q.b.wakeChannel(), q.message(job.WakeDue), q.message(job.WakeCallbacks), ms(q.confirmDelay), q.keys.troubledPrefix(), job.NewWebhookID(),
	}
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
		return nil
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
		if c.Stored == nil || c.Stored.Get(f[0]) != f[1] {
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
