package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// EventRemoved is the kind of the fleet's event that a removed job leaves.
const EventRemoved job.EventKind = "jobs_rm"

// Remove forgets a job that no process runs: cursors, open callbacks, counters, events, and
// at last its name, so that one that was cut off can be repeated. The fleet keeps an event. It
// says how many keys there were. An error that is ErrRefused says who still runs the job.
func (b *Broker) Remove(ctx context.Context, name, who, why string) (keys int, err error) {
	q, err := b.known(ctx, name)
	if err != nil {
		return 0, err
	}
	if err := b.notRun(ctx, q.job); err != nil {
		return 0, err
	}
	// Without a spec no worker is given anything of the job, also one that begins just now.
	if keys, err = q.remove(ctx, []string{q.keys.spec()}); err != nil {
		return keys, err
	}
	// All that carries the job's tag: destinations that it no longer has, and older versions, left keys too.
	for more := true; more; {
		n, err := q.removeFound(ctx)
		keys, more = keys+n, n > 0
		if err != nil {
			return keys, err
		}
	}
	what := fmt.Sprintf("job %s, %d keys", q.job, keys)
	if why != "" {
		what += ": " + why
	}
	if err := b.NoteEvent(ctx, job.Event{Kind: EventRemoved, Who: who, What: what}); err != nil {
		return keys, err
	}
	if err := b.rdb.SRem(ctx, b.jobsKey(), q.job).Err(); err != nil {
		return keys, fmt.Errorf("remove job %s: %w", q.job, redisError(err))
	}
	return keys, nil
}

// ErrRuns marks a refusal to forget a job that a process still has.
var ErrRuns = errors.New("the job still runs")

// runsError is ErrRefused for a job that is still in use.
type runsError string

func (e runsError) Error() string { return string(e) }

func (e runsError) Is(target error) bool { return target == ErrRefused || target == ErrRuns }

// notRun refuses a job that a process of the registry names.
func (b *Broker) notRun(ctx context.Context, name string) error {
	processes, err := b.Processes(ctx)
	if err != nil {
		return err
	}
	var by []string
	for _, p := range processes {
		if slices.Contains(strings.Fields(p.Jobs), name) {
			by = append(by, p.Role+" "+p.ID)
		}
	}
	if len(by) == 0 {
		return nil
	}
	return runsError(fmt.Sprintf("job %s is still run by %s: take it out of their config and reload them, or stop them; one that was killed is forgotten after a minute",
		name, strings.Join(by, ", ")))
}

// removeFound looks once through the keys of the server that holds the job's.
func (q *Queue) removeFound(ctx context.Context) (removed int, err error) {
	node, err := q.b.node(ctx, q.keys.lock())
	if err != nil {
		return 0, fmt.Errorf("remove job %s: %w", q.job, redisError(err))
	}
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		var found []string
		if found, cursor, err = node.Scan(ctx, cursor, globEscape(q.keys.prefix)+"*", 1000).Result(); err != nil {
			return removed, fmt.Errorf("remove job %s: %w", q.job, redisError(err))
		}
		for chunk := range slices.Chunk(found, upkeepBatch) {
			n, err := q.remove(ctx, chunk)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// node is the server that holds a key.
func (b *Broker) node(ctx context.Context, key string) (redis.Cmdable, error) {
	if cluster, is := b.rdb.(*redis.ClusterClient); is {
		return cluster.MasterForKey(ctx, key)
	}
	return b.rdb, nil
}

// remove forgets keys of the job unless somebody leads it.
func (q *Queue) remove(ctx context.Context, keys []string) (removed int, err error) {
	reply, err := run(ctx, q.b.rdb, removeKeysScript, append([]string{q.keys.lock()}, keys...))
	if err != nil {
		return 0, fmt.Errorf("remove job %s: %w", q.job, err)
	}
	word, err := verdict(reply)
	if err != nil {
		return 0, err
	}
	if word == "led" {
		said, err := texts(reply)
		if err != nil {
			return 0, err
		}
		return 0, runsError(fmt.Sprintf("job %s is led by %s: take it out of the config of all schedulers first", q.job, holder(said[1])))
	}
	n, err := numbers(reply[1:], 1)
	if err != nil {
		return 0, err
	}
	return int(n[0]), nil
}
