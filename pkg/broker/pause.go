package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Pause holds a job that this Redis knows: nothing of it is claimed, compared or
// sent, what is in work is finished. It ends after a while, or for 0 when somebody
// resumes it. A later pause takes the place of an earlier one. The time is its end
// on Redis' clock, zero for never. Repeated after a lost reply it is noted twice.
func (b *Broker) Pause(ctx context.Context, name, who, why string, lasting time.Duration) (until time.Time, err error) {
	q, err := b.known(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	what := why
	if lasting > 0 {
		what += ", for " + lasting.String()
	}
	reply, err := run(ctx, b.rdb, pauseScript, []string{q.keys.paused(), q.keys.events()}, oneLine(who), oneLine(why), ms(lasting), oneLine(what))
	if err != nil {
		return time.Time{}, fmt.Errorf("pause %s: %w", q.job, err)
	}
	said, err := verdict(reply)
	return at(said), err
}

// Resume ends what holds a job; held says whether anything did.
func (b *Broker) Resume(ctx context.Context, name, who string) (held bool, err error) {
	q, err := b.known(ctx, name)
	if err != nil {
		return false, err
	}
	reply, err := run(ctx, b.rdb, resumeScript, []string{q.keys.paused(), q.keys.events()}, oneLine(who), b.wakeChannel(), q.message(job.WakeAll))
	if err != nil {
		return false, fmt.Errorf("resume %s: %w", q.job, err)
	}
	said, err := verdict(reply)
	return said == "ok", err
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
