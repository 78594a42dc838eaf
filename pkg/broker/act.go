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

// Act is what a person can do with a callback.
type Act string

// The acts.
const (
	ActRetry  Act = "retry"  // due now, with all fast retries before it
	ActPark   Act = "park"   // not sent until somebody unparks it
	ActUnpark Act = "unpark" // due now
	ActDrop   Act = "drop"   // forgotten until a comparison meets the difference again
)

// Acted is what an act did to one callback.
type Acted string

// What an act did.
const (
	ActDone   Acted = "done"
	ActLeased Acted = "leased" // a worker has it at the moment
	ActDue    Acted = "due"    // it is due already
	ActHeld   Acted = "held"   // it is parked
	ActGone   Acted = "gone"   // it is closed
)

// Callbacks do a person's acts on one job.
type Callbacks struct{ q *Queue }

// Callbacks are those of a job that this Redis knows; of the only one for "".
func (b *Broker) Callbacks(ctx context.Context, name string) (*Callbacks, error) {
	names, err := b.rdb.SMembers(ctx, b.jobsKey()).Result()
	if err != nil {
		return nil, redisError(err)
	}
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	q := &Queue{b: b, job: name, keys: keys{prefix: b.jobPrefix(name)}}
	if !slices.Contains(names, name) {
		slices.Sort(names)
		return nil, unknownError(fmt.Sprintf("this Redis knows no job %q; there are: %s", name, strings.Join(names, ", ")))
	}
	spec, err := b.rdb.HGet(ctx, q.keys.spec(), "destinations").Result()
	if err != nil {
		return nil, redisError(err)
	}
	q.keys.destinations = strings.Fields(spec)
	return &Callbacks{q}, nil
}

// unknownError is ErrRefused for a name that does not exist.
type unknownError string

func (e unknownError) Error() string { return string(e) }

func (e unknownError) Is(target error) bool { return target == ErrRefused }

// Waiting is one callback as people see it.
type Waiting struct {
	ID          string    `json:"id"`
	Queue       string    `json:"queue"`
	Destination string    `json:"destination"`
	Key         string    `json:"key"`
	Type        string    `json:"type"`
	Attempts    string    `json:"attempts"`
	FirstSeen   time.Time `json:"first_seen,omitzero"`
	Due         time.Time `json:"due,omitzero"` // next, or since when it is parked; the end of a lease
	Status      string    `json:"status,omitempty"`
	Error       string    `json:"error,omitempty"`
	Worker      string    `json:"worker,omitempty"`
	Hold        string    `json:"hold,omitempty"`
	Why         string    `json:"why,omitempty"`
}

// waitingQueues are the queues by name, in the order in which they are shown.
var waitingQueues = []string{"due", "leased", "confirm", "verify", "retry", "slow", "parked"}

// List shows up to n callbacks of a queue from the first on, those that are due first
// before the others; of all destinations for "". The queue "due" holds what waits for a worker.
func (c *Callbacks) List(ctx context.Context, queue, destination string, first, n int) ([]Waiting, error) {
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
	all := make([]Waiting, 0, len(ids))
	for i, id := range ids {
		f := read[i].Val()
		if len(f) == 0 || destination != "" && f["destination"] != destination {
			continue
		}
		all = append(all, Waiting{
			ID: id.id, Queue: queue, Destination: f["destination"], Key: f["key"], Type: job.Type(number(f["type"])).Name(), Attempts: f["attempts"],
			FirstSeen: at(f["first_seen"]), Due: id.due, Status: f["status"], Error: f["error"], Worker: f["worker"], Hold: f["hold"], Why: f["why"],
		})
	}
	return all, nil
}

type dueID struct {
	id  string
	due time.Time
}

func (c *Callbacks) ids(ctx context.Context, queue, destination string, first, n int) ([]dueID, error) {
	if !slices.Contains(waitingQueues, queue) {
		return nil, unknownError(fmt.Sprintf("there is no queue %q of callbacks; want one of %s", queue, strings.Join(waitingQueues, ", ")))
	}
	var ids []dueID
	if queue == "due" {
		for _, d := range c.q.keys.destinations {
			if destination != "" && destination != d {
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
		}
		return ids, nil
	}
	found, err := c.q.b.rdb.ZRangeWithScores(ctx, c.q.keys.callbacksPrefix()+queue, int64(first), int64(first+n-1)).Result()
	if err != nil {
		return nil, redisError(err)
	}
	for _, z := range found {
		id, _ := z.Member.(string)
		ids = append(ids, dueID{id, time.UnixMilli(int64(z.Score)).UTC()})
	}
	return ids, nil
}

// Do acts on callbacks by their ids. The event names what was done; "" notes none.
func (c *Callbacks) Do(ctx context.Context, act Act, who, why, event string, ids []string) (map[Acted]int, error) {
	k := c.q.keys
	keys := []string{k.parked(), k.slow(), k.retry(), k.verify(), k.confirm(), k.callbacksLeased(), k.events()}
	did := map[Acted]int{}
	for chunk := range slices.Chunk(ids, upkeepBatch) {
		args := []any{
			string(act), oneLine(who), oneLine(why), k.callbackPrefix(), k.callbacksPrefix(), k.troublePrefix(),
			c.q.b.wakeChannel(), c.q.message(job.WakeCallbacks), oneLine(event),
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
			did[Acted(word)]++
		}
		event = "" // one act, one note
	}
	return did, nil
}
