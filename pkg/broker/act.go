package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Callbacks do a person's acts on one job.
type Callbacks struct{ q *Queue }

// Callbacks are those of a job that this Redis knows; of the only one for "".
func (b *Broker) Callbacks(ctx context.Context, name string) (*Callbacks, error) {
	q, err := b.known(ctx, name)
	if err != nil {
		return nil, err
	}
	spec, err := b.rdb.HGet(ctx, q.keys.spec(), "destinations").Result()
	if err != nil {
		return nil, redisError(err)
	}
	q.keys.destinations = strings.Fields(spec)
	return &Callbacks{q}, nil
}

// known is a job of this Redis, for a person; the only one for "".
func (b *Broker) known(ctx context.Context, name string) (*Queue, error) {
	names, err := b.JobNames(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case len(names) == 0:
		return nil, unknownError("this Redis knows no job yet")
	case name == "" && len(names) == 1:
		name = names[0]
	case name == "":
		return nil, unknownError("this Redis knows several jobs, say which: " + strings.Join(names, ", "))
	}
	if !slices.Contains(names, name) {
		return nil, unknownError(fmt.Sprintf("this Redis knows no job %q; there are: %s", name, strings.Join(names, ", ")))
	}
	return &Queue{b: b, job: name, keys: keys{prefix: b.jobPrefix(name)}}, nil
}

// unknownError is ErrRefused for a name that does not exist.
type unknownError string

func (e unknownError) Error() string { return string(e) }

func (e unknownError) Is(target error) bool { return target == ErrRefused || target == ErrUnknown }

// WaitingQueues are the queues by name, in the order in which they are shown.
var WaitingQueues = []string{"due", "leased", "confirm", "verify", "retry", "slow", "parked"}

// List shows what stands at n places of a queue from the first on, those that are due first
// before the others; of all destinations for "". Places of callbacks of other destinations, and of
// closed ones, are left out. The queue "due" holds what waits for a worker.
func (c *Callbacks) List(ctx context.Context, queue, destination string, first, n int) ([]job.Waiting, error) {
	ids, err := c.ids(ctx, queue, destination, first, n)
	if err != nil {
		return nil, err
	}
	pipe := c.q.b.rdb.Pipeline()
	read := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		read[i] = pipe.HGetAll(ctx, c.q.keys.callbackPrefix()+id.id)
	}
	if _, err := pipe.Exec(ctx); err != nil && len(ids) > 0 {
		return nil, redisError(err)
	}
	all := make([]job.Waiting, 0, len(ids))
	for i, id := range ids {
		f := read[i].Val()
		if len(f) == 0 || destination != "" && f["destination"] != destination {
			continue
		}
		all = append(all, id.waiting(queue, f))
	}
	return all, nil
}

// waiting is a callback with these fields as people see it.
func (d dueID) waiting(queue string, f map[string]string) job.Waiting {
	return job.Waiting{
		ID: d.id, Queue: queue, Destination: f["destination"], Key: f["key"], Type: job.Type(number(f["type"])).Name(), Attempts: f["attempts"],
		FirstSeen: at(f["first_seen"]), Due: d.due, Status: f["status"], Error: f["error"], Worker: f["worker"], Hold: f["hold"], Why: f["why"],
	}
}

// Show gives one callback; ErrUnknown when it is closed or never was. It moves
// meanwhile, so its queue may be that of a moment ago.
func (c *Callbacks) Show(ctx context.Context, id string) (job.Shown, error) {
	pipe := c.q.b.rdb.Pipeline()
	fields := pipe.HGetAll(ctx, c.q.keys.callbackPrefix()+id)
	scores := map[string]*redis.FloatCmd{}
	for _, queue := range WaitingQueues {
		if queue != "due" {
			scores[queue] = pipe.ZScore(ctx, c.q.keys.callbacksPrefix()+queue, id)
		}
	}
	if err := exec(ctx, pipe); err != nil {
		return job.Shown{}, err
	}
	f := fields.Val()
	if len(f) == 0 {
		return job.Shown{}, unknownError(fmt.Sprintf("no callback %q is open in job %s: it is closed, or never was", id, c.q.job))
	}
	delete(f, "token")
	found, queue := dueID{id: id}, "due" // on the list of its destination, if nowhere else
	for name, score := range scores {
		if score.Err() == nil {
			queue, found.due = name, time.UnixMilli(int64(score.Val())).UTC()
		}
	}
	return job.Shown{Waiting: found.waiting(queue, f), Job: c.q.job, Fields: f}, nil
}

type dueID struct {
	id  string
	due time.Time
}

// ids are those from a place of a queue on.
func (c *Callbacks) ids(ctx context.Context, queue, destination string, first, n int) ([]dueID, error) {
	if err := c.known(queue); err != nil {
		return nil, err
	}
	if queue == "due" {
		return c.dueIDs(ctx, destination, first, n)
	}
	return c.q.b.scored(ctx, c.q.keys.callbacksPrefix()+queue, first, n)
}

func (c *Callbacks) known(queue string) error {
	if slices.Contains(WaitingQueues, queue) {
		return nil
	}
	return unknownError(fmt.Sprintf("there is no queue %q of callbacks; want one of %s", queue, strings.Join(WaitingQueues, ", ")))
}

// dueIDs goes through the lists of the destinations, one behind the other.
func (c *Callbacks) dueIDs(ctx context.Context, destination string, first, n int) (ids []dueID, err error) {
	for _, d := range c.destinations(destination) {
		if n == 0 {
			break
		}
		length, err := c.q.DueCallbacks(ctx, d)
		if err != nil {
			return nil, err
		}
		if first >= length {
			first -= length
			continue
		}
		// Workers take from the tail.
		found, err := c.q.b.rdb.LRange(ctx, c.q.keys.callbacks(d), int64(-first-n), int64(-first-1)).Result()
		if err != nil {
			return nil, redisError(err)
		}
		for _, id := range slices.Backward(found) {
			ids = append(ids, dueID{id: id})
		}
		first, n = 0, n-len(found)
	}
	return ids, nil
}

// destinations are the named one, or all for "".
func (c *Callbacks) destinations(name string) []string {
	if name == "" || !slices.Contains(c.q.keys.destinations, name) {
		return slices.DeleteFunc(slices.Clone(c.q.keys.destinations), func(string) bool { return name != "" })
	}
	return []string{name}
}

// Length is how many places List has: the whole queue, for the queue "due" that of
// the destination.
func (c *Callbacks) Length(ctx context.Context, queue, destination string) (int, error) {
	if err := c.known(queue); err != nil {
		return 0, err
	}
	if queue != "due" {
		n, err := c.q.b.rdb.ZCard(ctx, c.q.keys.callbacksPrefix()+queue).Result()
		if err != nil {
			return 0, redisError(err)
		}
		return int(n), nil
	}
	all := 0
	for _, d := range c.destinations(destination) {
		n, err := c.q.DueCallbacks(ctx, d)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// scored are members of a sorted set of times, from a place on.
func (b *Broker) scored(ctx context.Context, key string, first, n int) ([]dueID, error) {
	found, err := b.rdb.ZRangeWithScores(ctx, key, int64(first), int64(first+n-1)).Result()
	if err != nil {
		return nil, redisError(err)
	}
	ids := make([]dueID, 0, len(found))
	for _, z := range found {
		id, _ := z.Member.(string)
		ids = append(ids, dueID{id, time.UnixMilli(int64(z.Score)).UTC()})
	}
	return ids, nil
}

// Do acts on callbacks by their ids. The event names what was done; "" notes none.
func (c *Callbacks) Do(ctx context.Context, act job.Act, who, why, event string, ids []string) (map[job.Acted]int, error) {
	k := c.q.keys
	keys := []string{k.parked(), k.slow(), k.retry(), k.verify(), k.confirm(), k.callbacksLeased(), k.events()}
	did := map[job.Acted]int{}
	for chunk := range slices.Chunk(ids, upkeepBatch) {
		args := []any{
			string(act), oneLine(who), oneLine(why), k.callbackPrefix(), k.callbacksPrefix(), k.troubledPrefix(),
			c.q.b.wakeChannel(), c.q.message(job.WakeCallbacks), oneLine(event), job.NewWebhookID(),
		}
		for _, id := range chunk {
			args = append(args, id)
		}
		reply, err := run(ctx, c.q.b.rdb, actCallbacksScript, keys, args...)
		if err != nil {
			return did, fmt.Errorf("%s callbacks of %s: %w", act, c.q.job, err)
		}
		said, err := texts(reply)
		if err != nil {
			return did, err
		}
		for _, word := range said {
			did[job.Acted(word)]++
		}
		if did[job.ActDone] > 0 {
			event = "" // one act, one note
		}
	}
	return did, nil
}

// Note leaves the event of an act that goes on, and that has done nothing yet.
func (c *Callbacks) Note(ctx context.Context, act job.Act, who, event string) error {
	return c.q.b.NoteEvent(ctx, job.Event{Job: c.q.job, Kind: job.EventKind(act), Who: who, What: event})
}
