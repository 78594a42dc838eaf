package broker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// rangeQueues are the queues of ranges by name, in the order in which they are shown.
var rangeQueues = []string{"waiting", "leased", "retry", "parked"}

// Ranges shows n ranges of a queue of a job from the first on, those that are due
// first before the others, and how many there are. The queue "waiting" holds what
// waits for a worker.
func (b *Broker) Ranges(ctx context.Context, name, queue string, first, n int) (all []job.WaitingRange, total int64, err error) {
	if !slices.Contains(rangeQueues, queue) {
		return nil, 0, unknownError(fmt.Sprintf("there is no queue %q of ranges; want one of %s", queue, strings.Join(rangeQueues, ", ")))
	}
	c, err := b.Callbacks(ctx, name)
	if err != nil {
		return nil, 0, err
	}
	ids, total, err := c.q.rangeIDs(ctx, queue, first, n)
	if err != nil || len(ids) == 0 {
		return nil, total, err
	}
	pipe := b.rdb.Pipeline()
	read := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		read[i] = pipe.HGetAll(ctx, c.q.keys.rangeItem(id.id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, 0, redisError(err)
	}
	for i, id := range ids {
		f := read[i].Val()
		all = append(all, job.WaitingRange{
			ID: id.id, Queue: queue, Due: id.due, Worker: f["worker"], Attempts: int(number(f["attempts"])),
			Since: at(f["since"]), Stalls: int(number(f["stalls"])), Parked: int(number(f["parked"])), Error: f["error"],
		})
	}
	return all, total, nil
}

func (q *Queue) rangeIDs(ctx context.Context, queue string, first, n int) (ids []dueID, total int64, err error) {
	if queue != "waiting" {
		key := q.keys.ranges() + ":" + queue
		if total, err = q.b.rdb.ZCard(ctx, key).Result(); err != nil {
			return nil, 0, redisError(err)
		}
		ids, err = q.b.scored(ctx, key, first, n)
		return ids, total, err
	}
	if total, err = q.b.rdb.LLen(ctx, q.keys.ranges()).Result(); err != nil {
		return nil, 0, redisError(err)
	}
	// Workers take from the tail.
	found, err := q.b.rdb.LRange(ctx, q.keys.ranges(), int64(-first-n), int64(-first-1)).Result()
	if err != nil {
		return nil, 0, redisError(err)
	}
	for _, id := range slices.Backward(found) {
		ids = append(ids, dueID{id: id})
	}
	return ids, total, nil
}

// Memory is how full Redis is, in percent of its maxmemory; 0 where it has none or
// does not say.
func (b *Broker) Memory(ctx context.Context) int {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	b.readMemory(ctx)
	return b.memory.used
}
