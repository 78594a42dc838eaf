package broker

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// processLife is how long a process that stopped beating stays in the registry.
const processLife = time.Minute

// staleAfter is how long a process may be silent: it beats several times within.
const staleAfter = processLife / 2

// Beat writes p into the registry.
func (b *Broker) Beat(ctx context.Context, p job.Process) error {
	now, err := b.rdb.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("beat: %w", redisError(err))
	}
	pipe := b.rdb.Pipeline()
	key := b.processKey(p.ID)
	pipe.HSet(ctx, key, "role", p.Role, "host", p.Host, "pid", p.PID, "version", p.Version, "address", p.Address,
		"jobs", p.Jobs, "busy", p.Busy, "unsent", p.Unsent, "rss", p.RSS, "started", p.Started.UnixMilli())
	pipe.Expire(ctx, key, processLife)
	pipe.ZAdd(ctx, b.processesKey(), redis.Z{Score: float64(now.UnixMilli()), Member: p.ID})
	pipe.ZRemRangeByScore(ctx, b.processesKey(), "-inf", strconv.FormatInt(now.Add(-processLife).UnixMilli(), 10))
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("beat: %w", redisError(err))
	}
	return nil
}

// Leave takes a process that stops out of the registry.
func (b *Broker) Leave(ctx context.Context, id string) error {
	pipe := b.rdb.Pipeline()
	pipe.Del(ctx, b.processKey(id))
	pipe.ZRem(ctx, b.processesKey(), id)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("leave the registry: %w", redisError(err))
	}
	return nil
}

// Processes lists the processes that beat within the last minute, by id.
func (b *Broker) Processes(ctx context.Context) ([]job.Process, error) {
	beats, err := b.rdb.ZRangeWithScores(ctx, b.processesKey(), 0, -1).Result()
	if err != nil {
		return nil, redisError(err)
	}
	now, err := b.rdb.Time(ctx).Result()
	if err != nil {
		return nil, redisError(err)
	}
	found := make([]job.Process, 0, len(beats))
	for _, z := range beats {
		id, _ := z.Member.(string)
		f, err := b.rdb.HGetAll(ctx, b.processKey(id)).Result()
		if err != nil {
			return nil, redisError(err)
		}
		if len(f) == 0 {
			continue
		}
		last := time.UnixMilli(int64(z.Score)).UTC()
		silent := max(0, now.Sub(last)) // it may have beat between the two commands
		found = append(found, job.Process{
			ID: id, Role: f["role"], Host: f["host"], PID: int(number(f["pid"])), Version: f["version"], Address: f["address"],
			Jobs: f["jobs"], Busy: int(number(f["busy"])), Unsent: f["unsent"], RSS: number(f["rss"]), Started: at(f["started"]),
			LastBeat: last, Silent: int64(silent.Seconds()), Stale: silent >= staleAfter,
		})
	}
	sort.Slice(found, func(i, j int) bool { return found[i].ID < found[j].ID })
	return found, nil
}

// Jobs reads the state of every job that this Redis knows, by name.
func (b *Broker) Jobs(ctx context.Context) ([]job.State, error) {
	names, err := b.rdb.SMembers(ctx, b.jobsKey()).Result()
	if err != nil {
		return nil, redisError(err)
	}
	sort.Strings(names)
	states := make([]job.State, 0, len(names))
	for _, name := range names {
		s, err := b.jobState(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read job %s: %w", name, err)
		}
		states = append(states, s)
	}
	return states, nil
}

func (b *Broker) jobState(ctx context.Context, name string) (job.State, error) {
	q := &Queue{b: b, job: name, keys: keys{prefix: b.jobPrefix(name)}}
	spec, err := b.rdb.HGetAll(ctx, q.keys.spec()).Result()
	if err != nil {
		return job.State{}, redisError(err)
	}
	q.keys.destinations = strings.Fields(spec["destinations"])
	s := job.State{Name: name, Source: spec["identity"]}
	if s.Leader, err = q.leader(ctx); err != nil {
		return s, err
	}
	if s.Paused, err = q.held(ctx); err != nil {
		return s, err
	}
	if s.Cursors, err = b.rdb.HGetAll(ctx, q.keys.cursor()).Result(); err != nil {
		return s, redisError(err)
	}
	lag, err := b.rdb.HGetAll(ctx, q.keys.lag()).Result()
	if err != nil {
		return s, redisError(err)
	}
	s.Lag = counters(lag)
	if s.Depths, err = q.Depths(ctx); err != nil {
		return s, err
	}
	for name, n := range s.Depths {
		if strings.HasPrefix(name, "callbacks:") && name != "callbacks:parked" {
			s.Open += n
		}
	}
	s.Stats, err = q.Stats(ctx)
	return s, err
}

// NoteLag tells the fleet how far the scans of a job are behind; keys are "<scan>:<shard>".
func (b *Broker) NoteLag(ctx context.Context, name string, lag map[string]int64) error {
	if len(lag) == 0 {
		return nil
	}
	fields := make([]any, 0, 2*len(lag))
	for scan, behind := range lag {
		fields = append(fields, scan, behind)
	}
	q := keys{prefix: b.jobPrefix(name)}
	if err := b.rdb.HSet(ctx, q.lag(), fields...).Err(); err != nil {
		return fmt.Errorf("note the lag of %s: %w", name, redisError(err))
	}
	return nil
}
