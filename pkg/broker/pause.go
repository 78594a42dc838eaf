package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Hold is what stands still: a job, or the callbacks of one of its destinations.
type Hold struct {
	Job, Destination string // "" for the whole job
}

// Pause holds a job that this Redis knows: nothing of it is claimed, compared or
// sent; of a destination nothing is sent. What is in work is finished. It ends after a
// while, or for 0 when somebody resumes it. A later pause takes the place of an earlier
// one. The time is its end on Redis' clock, zero for never. Repeated after a lost reply
// it is noted twice.
func (b *Broker) Pause(ctx context.Context, h Hold, who, why string, lasting time.Duration) (until time.Time, err error) {
	q, keys, about, err := b.hold(ctx, h)
	if err != nil {
		return time.Time{}, err
	}
	what := about + why
	if lasting > 0 {
		what += ", for " + lasting.String()
	}
	reply, err := run(ctx, b.rdb, pauseScript, keys[:2], oneLine(who), oneLine(why), ms(lasting), oneLine(what))
	if err != nil {
		return time.Time{}, fmt.Errorf("pause %s: %w", q.job, err)
	}
	said, err := verdict(reply)
	return at(said), err
}

// Resume ends what holds a job or a destination, the brake too; held says whether
// anything did.
func (b *Broker) Resume(ctx context.Context, h Hold, who string) (held bool, err error) {
	q, keys, about, err := b.hold(ctx, h)
	if err != nil {
		return false, err
	}
	reply, err := run(ctx, b.rdb, resumeScript, keys, oneLine(who), b.wakeChannel(), q.message(job.WakeAll), about)
	if err != nil {
		return false, fmt.Errorf("resume %s: %w", q.job, err)
	}
	said, err := verdict(reply)
	return said == "ok", err
}

// hold gives the keys of what holds a job or a destination, and what a note about it begins with.
func (b *Broker) hold(ctx context.Context, h Hold) (q *Queue, keys []string, about string, err error) {
	if q, err = b.known(ctx, h.Job); err != nil {
		return nil, nil, "", err
	}
	if h.Destination == "" {
		return q, []string{q.keys.paused(), q.keys.events()}, "", nil
	}
	named, err := b.rdb.HGet(ctx, q.keys.spec(), "destinations").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, nil, "", redisError(err)
	}
	if !slices.Contains(strings.Fields(named), h.Destination) {
		return nil, nil, "", unknownError(fmt.Sprintf("job %s has no destination %q; there are: %s", q.job, h.Destination, named))
	}
	return q, []string{q.keys.pausedDestination(h.Destination), q.keys.events(), q.keys.brake(h.Destination)}, h.Destination + ": ", nil
}

// held says in a line who holds the job and why; "" when nobody does.
func (q *Queue) held(ctx context.Context) (string, error) {
	hold, err := q.b.rdb.HGetAll(ctx, q.keys.paused()).Result()
	if err != nil {
		return "", redisError(err)
	}
	now, err := q.b.rdb.Time(ctx).Result()
	if err != nil {
		return "", redisError(err)
	}
	return holdLine(hold, now), nil
}

// holdLine puts a hold into a line. One that names its end is over by itself; its
// hash stays until somebody removes it.
func holdLine(hold map[string]string, now time.Time) string {
	until := at(hold["until"])
	switch {
	case hold["by"] == "", !until.IsZero() && !now.Before(until):
		return ""
	case until.IsZero():
		return hold["by"] + ": " + hold["why"]
	default:
		return hold["by"] + ": " + hold["why"] + ", until " + until.Format(time.DateTime) + " UTC"
	}
}
