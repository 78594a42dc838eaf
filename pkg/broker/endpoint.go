package broker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// permitLife is after what time the leave of a worker that died is free for others.
	permitLife = time.Minute
	// The first pause of a breaker, and the longest: a receiver that is back is
	// found within half a minute.
	firstPause, longestPause = 5 * time.Second, 30 * time.Second
	// endpointLife is how long a receiver that nobody calls is remembered.
	endpointLife = 24 * time.Hour
)

// Endpoint is what all workers together know of one receiver: the POSTs in
// flight, their rate, and whether it is left alone.
type Endpoint struct {
	b     *Broker
	host  string
	limit job.Calls
	probe time.Duration // the longest that a probe takes
}

// Endpoint is that of a receiver, "host:port". A POST takes timeout at most.
func (b *Broker) Endpoint(host string, limit job.Calls, timeout time.Duration) *Endpoint {
	return &Endpoint{b: b, host: host, limit: limit, probe: timeout + 10*time.Second}
}

func (b *Broker) endpointsKey() string { return b.prefix + "endpoints" } // ZSET host → last used, ms

func (b *Broker) endpointKeys(host string) []string {
	prefix := b.prefix + "{endpoint:" + host + "}:"
	return []string{prefix + "state", prefix + "permits"} // HASH; ZSET "<token>:<POSTs>" → end, ms
}

// Enter asks for leave to make up to slots POSTs at once, sends in all. It has to
// be ended with Leave; one that is not ends by itself after a minute.
func (e *Endpoint) Enter(ctx context.Context, slots, sends int) (job.Entry, error) {
	entry := job.Entry{Token: newToken()}
	reply, err := run(ctx, e.b.once, enterEndpointScript, e.b.endpointKeys(e.host),
		entry.Token, slots, e.limit.AtOnce, sends, e.limit.PerSecond, ms(permitLife), ms(e.probe))
	if err != nil {
		return job.Entry{}, fmt.Errorf("enter %s: %w", e.host, err)
	}
	n, err := numbers(reply, 6)
	if err != nil {
		return job.Entry{}, err
	}
	entry.Slots, entry.Sends, entry.Wait = int(n[0]), int(n[1]), time.Duration(n[2])*time.Millisecond
	entry.Closed, entry.Opened, entry.Now = since(n[3]), since(n[4]), since(n[5])
	return entry, nil
}

func since(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Leave ends an entry and says what came of it.
func (e *Endpoint) Leave(ctx context.Context, entry job.Entry, r job.Round) (job.Turn, error) {
	reply, err := run(ctx, e.b.rdb, leaveEndpointScript, e.b.endpointKeys(e.host),
		entry.Token, entry.Slots, flag(r.Answered), r.Failures, r.Code, ms(r.Rest), e.limit.BreakAfter,
		ms(firstPause), ms(longestPause), r.Unused, e.limit.PerSecond, ms(endpointLife))
	if err != nil {
		return job.Unturned, fmt.Errorf("leave %s: %w", e.host, err)
	}
	word, err := verdict(reply)
	return job.Turn(word), err
}

// NoteEndpoints puts receivers into the list that Receivers reads.
func (b *Broker) NoteEndpoints(ctx context.Context, hosts []string) error {
	if len(hosts) == 0 {
		return nil
	}
	now, err := b.rdb.Time(ctx).Result()
	if err != nil {
		return redisError(err)
	}
	pipe := b.rdb.Pipeline()
	for _, host := range hosts {
		pipe.ZAdd(ctx, b.endpointsKey(), redis.Z{Score: float64(now.UnixMilli()), Member: host})
	}
	pipe.ZRemRangeByScore(ctx, b.endpointsKey(), "-inf", strconv.FormatInt(now.Add(-endpointLife).UnixMilli(), 10))
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("note the receivers: %w", redisError(err))
	}
	return nil
}

// Receivers tells how all receivers of the last day fare.
func (b *Broker) Receivers(ctx context.Context) ([]job.Receiver, error) {
	hosts, err := b.rdb.ZRange(ctx, b.endpointsKey(), 0, -1).Result()
	if err != nil {
		return nil, redisError(err)
	}
	now, err := b.rdb.Time(ctx).Result()
	if err != nil {
		return nil, redisError(err)
	}
	pipe := b.rdb.Pipeline()
	states, permits := make([]*redis.MapStringStringCmd, len(hosts)), make([]*redis.StringSliceCmd, len(hosts))
	for i, host := range hosts {
		keys := b.endpointKeys(host)
		states[i], permits[i] = pipe.HGetAll(ctx, keys[0]), pipe.ZRange(ctx, keys[1], 0, -1)
	}
	if err := exec(ctx, pipe); err != nil {
		return nil, err
	}
	all := make([]job.Receiver, len(hosts))
	for i, host := range hosts {
		all[i] = receiver(host, states[i].Val(), permits[i].Val(), now)
	}
	return all, nil
}

func receiver(host string, f map[string]string, permits []string, now time.Time) job.Receiver {
	r := job.Receiver{Host: host, State: "closed", Failures: int(number(f["failures"])), Code: f["code"], LastUsed: at(f["used"])}
	for _, permit := range permits {
		r.InFlight += int(number(permit[strings.LastIndexByte(permit, ':')+1:]))
	}
	switch rest := at(f["rest_until"]); {
	case f["opened"] != "":
		r.State, r.Since, r.Next = "open", at(f["opened"]), at(f["open_until"])
		if !now.Before(r.Next) {
			r.State = "half_open"
		}
	case now.Before(rest):
		r.State, r.Next = "resting", rest
	}
	return r
}

// HoldCallbacks moves up to n due callbacks of a destination to the slow queue,
// without an attempt: their receiver is left alone.
func (q *Queue) HoldCallbacks(ctx context.Context, destination, code string, delay time.Duration, n int) (moved int, err error) {
	reply, err := run(ctx, q.b.rdb, holdCallbacksScript, []string{q.keys.callbacks(destination), q.keys.slow(), q.keys.parked()},
		min(n, upkeepBatch), ms(delay), q.keys.callbackPrefix(), q.keys.troubledPrefix(), destination, code)
	if err != nil {
		return 0, fmt.Errorf("hold callbacks of %s: %w", q.job, err)
	}
	moves, err := numbers(reply, 1)
	if err != nil {
		return 0, err
	}
	return int(moves[0]), nil
}

// HastenCallbacks makes callbacks of a destination due that became slow by
// failures: any one of them, or all.
func (q *Queue) HastenCallbacks(ctx context.Context, destination string, all bool) error {
	keys := []string{q.keys.troubled(job.AlertSlow, destination), q.keys.slow()}
	from := ""
	if all {
		from = "0"
	}
	for {
		reply, err := run(ctx, q.b.rdb, hastenCallbacksScript, keys, from, upkeepBatch, q.b.wakeChannel(), q.message(job.WakeDue))
		if err != nil {
			return fmt.Errorf("hasten callbacks of %s: %w", q.job, err)
		}
		if from, err = verdict(reply); err != nil || from == "0" {
			return err
		}
	}
}

// DueCallbacks is how many callbacks of a destination wait to be fetched.
func (q *Queue) DueCallbacks(ctx context.Context, destination string) (int, error) {
	n, err := q.b.rdb.LLen(ctx, q.keys.callbacks(destination)).Result()
	if err != nil {
		return 0, fmt.Errorf("look for callbacks of %s: %w", q.job, redisError(err))
	}
	return int(n), nil
}
