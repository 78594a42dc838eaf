package broker

import (
	"cmp"
	"context"
	"errors"
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

// Beat writes p into the registry. Whether it is quiet is written only where the
// registry does not know the process any more: else people say it, see Quiet.
func (b *Broker) Beat(ctx context.Context, p job.Process) error {
	key := b.processKey(p.ID)
	pipe := b.rdb.Pipeline()
	clock, held := pipe.Time(ctx), pipe.HExists(ctx, key, "quiet")
	if err := exec(ctx, pipe); err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	now := clock.Val()
	pipe = b.rdb.Pipeline()
	if !held.Val() {
		pipe.HSet(ctx, key, "quiet", p.Quiet)
	}
	pipe.HSet(ctx, key, "role", p.Role, "host", p.Host, "pid", p.PID, "version", p.Version, "address", p.Address,
		"jobs", p.Jobs, "busy", p.Busy, "unsent", p.Unsent, "refused", oneLine(p.Refused), "rss", p.RSS, "started", p.Started.UnixMilli())
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
	pipe := b.rdb.Pipeline()
	clock := pipe.Time(ctx)
	read := make([]*redis.MapStringStringCmd, len(beats))
	for i, z := range beats {
		id, _ := z.Member.(string)
		read[i] = pipe.HGetAll(ctx, b.processKey(id))
	}
	if err := exec(ctx, pipe); err != nil {
		return nil, err
	}
	found := make([]job.Process, 0, len(beats))
	for i, z := range beats {
		id, _ := z.Member.(string)
		f := read[i].Val()
		if len(f) == 0 {
			continue
		}
		last := time.UnixMilli(int64(z.Score)).UTC()
		silent := max(0, clock.Val().Sub(last)) // it may have beat between the two commands
		found = append(found, job.Process{
			ID: id, Role: f["role"], Host: f["host"], PID: int(number(f["pid"])), Version: f["version"], Address: f["address"],
			Jobs: f["jobs"], Busy: int(number(f["busy"])), Quiet: f["quiet"], Unsent: f["unsent"], Refused: f["refused"], RSS: number(f["rss"]), Started: at(f["started"]),
			LastBeat: last, Silent: int64(silent.Seconds()), Stale: silent >= staleAfter,
		})
	}
	sort.Slice(found, func(i, j int) bool { return found[i].ID < found[j].ID })
	return found, nil
}

// JobNames are the jobs that this Redis knows, in order.
func (b *Broker) JobNames(ctx context.Context) ([]string, error) {
	names, err := b.rdb.SMembers(ctx, b.jobsKey()).Result()
	if err != nil {
		return nil, redisError(err)
	}
	sort.Strings(names)
	return names, nil
}

// Jobs reads the state of every job that this Redis knows, by name: in three round
// trips, and two more when something waits, however many there are.
func (b *Broker) Jobs(ctx context.Context) ([]job.State, error) {
	names, err := b.JobNames(ctx)
	if err != nil {
		return []job.State{}, err
	}
	return b.States(ctx, names)
}

// States reads the states of jobs, in the order of their names.
func (b *Broker) States(ctx context.Context, names []string) ([]job.State, error) {
	if len(names) == 0 {
		return []job.State{}, nil
	}
	pipe := b.rdb.Pipeline()
	clock := pipe.Time(ctx)
	specs := make([]*redis.MapStringStringCmd, len(names))
	for i, name := range names {
		specs[i] = pipe.HGetAll(ctx, keys{prefix: b.jobPrefix(name)}.spec())
	}
	if err := exec(ctx, pipe); err != nil {
		return nil, fmt.Errorf("read %d jobs: %w", len(names), err)
	}
	pipe = b.rdb.Pipeline()
	read := make([]func(time.Time) job.State, len(names))
	for i, name := range names {
		read[i] = b.askState(ctx, pipe, name, specs[i].Val())
	}
	if err := exec(ctx, pipe); err != nil {
		return nil, fmt.Errorf("read %d jobs: %w", len(names), err)
	}
	states := make([]job.State, len(names))
	for i := range names {
		states[i] = read[i](clock.Val())
	}
	return states, b.readHeads(ctx, states, clock.Val())
}

// askState adds the questions about a job to a pipeline; the answer is there when that was run.
func (b *Broker) askState(ctx context.Context, pipe redis.Pipeliner, name string, spec map[string]string) func(now time.Time) job.State {
	q := &Queue{b: b, job: name, keys: keys{prefix: b.jobPrefix(name), destinations: strings.Fields(spec["destinations"])}}
	lock, hold := pipe.Get(ctx, q.keys.lock()), pipe.HGetAll(ctx, q.keys.paused())
	cursors, lag := pipe.HGetAll(ctx, q.keys.cursor()), pipe.HGetAll(ctx, q.keys.lag())
	depths, stats := q.askDepths(ctx, pipe), pipe.HGetAll(ctx, q.keys.stats())
	told := pipe.HGetAll(ctx, q.keys.told())
	holds := make([]*redis.MapStringStringCmd, len(q.keys.destinations))
	for i, d := range q.keys.destinations {
		holds[i] = pipe.HGetAll(ctx, q.keys.pausedDestination(d))
	}
	return func(now time.Time) job.State {
		s := job.State{
			Name: name, Source: spec["identity"], Leader: holder(lock.Val()), Paused: holdLine(hold.Val(), now),
			Cursors: cursors.Val(), Lag: counters(lag.Val()), Depths: depths(), Stats: counters(stats.Val()), Told: knownSince(told.Val()),
			Held: map[string]string{},
		}
		for i, d := range q.keys.destinations {
			if line := holdLine(holds[i].Val(), now); line != "" {
				s.Held[d] = line
			}
		}
		for name, n := range s.Depths {
			if strings.HasPrefix(name, "callbacks:") && name != "callbacks:parked" {
				s.Open += n
			}
		}
		return s
	}
}

// exec runs a pipeline in which a key may be missing.
func exec(ctx context.Context, pipe redis.Pipeliner) error {
	commands, err := pipe.Exec(ctx)
	if errors.Is(err, redis.Nil) { // it is that of the first
		err = nil
		for _, c := range commands {
			if !errors.Is(c.Err(), redis.Nil) {
				err = cmp.Or(err, c.Err())
			}
		}
	}
	if err != nil {
		return redisError(err)
	}
	return nil
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
