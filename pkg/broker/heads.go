package broker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// head is a question about the first of a queue.
type head struct {
	state *job.State
	queue string // a name of Depths
	id    func() (id string, due time.Time)
	since *redis.StringCmd // nil for what is gone
}

// readHeads adds to states what stands first in each queue that holds something: the
// ends of lists and sorted sets, so it costs the same however long they are.
func (b *Broker) readHeads(ctx context.Context, states []job.State, now time.Time) error {
	var heads []*head
	pipe := b.rdb.Pipeline()
	for i := range states {
		s := &states[i]
		s.Heads = map[string]job.Head{}
		for queue, n := range s.Depths {
			if n > 0 && queue != "samples" {
				heads = append(heads, b.askHead(ctx, pipe, s, queue))
			}
		}
	}
	if len(heads) == 0 {
		return nil
	}
	if err := exec(ctx, pipe); err != nil {
		return err
	}
	pipe = b.rdb.Pipeline()
	for _, h := range heads {
		id, _ := h.id()
		switch k := (keys{prefix: b.jobPrefix(h.state.Name)}); {
		case id == "":
		case strings.HasPrefix(h.queue, "callbacks"):
			h.since = pipe.HGet(ctx, k.callbackPrefix()+id, "first_seen")
		default:
			h.since = pipe.HGet(ctx, k.rangePrefix()+id, "since")
		}
	}
	if err := exec(ctx, pipe); err != nil {
		return err
	}
	for _, h := range heads {
		if id, due := h.id(); id != "" { // else the queue was emptied meanwhile
			h.state.Heads[h.queue] = h.read(due, now)
		}
	}
	return nil
}

// askHead adds the question about a queue to a pipeline.
func (b *Broker) askHead(ctx context.Context, pipe redis.Pipeliner, s *job.State, queue string) *head {
	h, key := &head{state: s, queue: queue}, b.jobPrefix(s.Name)+queue
	if isList(queue) {
		last := pipe.LIndex(ctx, key, -1) // workers take from the tail
		h.id = func() (string, time.Time) { return last.Val(), time.Time{} }
		return h
	}
	first := pipe.ZRangeWithScores(ctx, key, 0, 0)
	h.id = func() (string, time.Time) {
		if len(first.Val()) == 0 {
			return "", time.Time{}
		}
		z := first.Val()[0]
		id, _ := z.Member.(string)
		return id, time.UnixMilli(int64(z.Score)).UTC()
	}
	return h
}

// isList says which queues are lists: the ranges that wait, and the due callbacks of each destination.
func isList(queue string) bool {
	_, due := DestinationOf(queue)
	return due || queue == "ranges"
}

// DestinationOf is the destination whose due callbacks stand in a queue of job.State.Depths; false for any other queue.
func DestinationOf(queue string) (name string, due bool) {
	name, callbacks := strings.CutPrefix(queue, "callbacks:")
	return name, callbacks && !slices.Contains(reservedDestinations, name)
}

func (h *head) read(due, now time.Time) (r job.Head) {
	if h.since != nil {
		r.Since = at(h.since.Val())
	}
	if r.Due = due; h.queue == "callbacks:parked" {
		r.Since, r.Due = due, time.Time{} // its score is when it was parked
	}
	r.Age, r.Late = secondsSince(r.Since, now), secondsSince(r.Due, now)
	return r
}

// secondsSince is 0 for a time that is not known or still to come.
func secondsSince(t, now time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return int64(max(0, now.Sub(t)).Seconds())
}
