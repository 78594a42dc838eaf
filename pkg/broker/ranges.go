package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// FetchRanges leases up to n ranges. It is sent once only: a second sending
// would lease other ranges and leave the first to wait for the end of their
// lease. Errors: ErrPaused, *SpecError, *LimitError (callbacks or memory). With an error that is about an
// id that nothing can be read from come the ranges that could be read.
func (q *Queue) FetchRanges(ctx context.Context, worker string, n int) ([]job.LeasedRange, error) {
	if err := q.b.enough(ctx); err != nil {
		return nil, err
	}
	keys := append([]string{q.keys.spec(), q.keys.paused(), q.keys.ranges(), q.keys.rangesLeased()}, q.keys.open()...)
	reply, err := run(ctx, q.b.once, fetchRangesScript, keys, q.spec.Identity, q.spec.Details, worker,
		ms(q.lease), newToken(), n, q.limits.MaxCallbacks, q.keys.rangePrefix())
	if err != nil {
		return nil, fmt.Errorf("fetch ranges of %s: %w", q.job, err)
	}
	if err := q.refusal(reply); err != nil {
		return nil, err
	}
	said, err := texts(reply[1:])
	if err != nil {
		return nil, err
	}
	const values = 5 // of each range
	leased := make([]job.LeasedRange, 0, len(said)/values)
	var unreadable []error
	for item := range slices.Chunk(said, values) {
		r, err := job.ParseRange(item[0])
		if err != nil {
			unreadable = append(unreadable, fmt.Errorf("fetch ranges of %s: %w", q.job, err))
			continue
		}
		leased = append(leased, job.LeasedRange{
			ID: item[0], Range: r, Token: item[1], Stalls: int(number(item[2])), Attempts: int(number(item[3])),
			Parked: int(number(item[4])),
		})
	}
	return leased, errors.Join(unreadable...)
}

// refusal turns the first word of a fetch's reply into an error.
func (q *Queue) refusal(reply []any) error {
	word, err := verdict(reply)
	if err != nil || word == "ok" {
		return err
	}
	said, err := texts(reply)
	if err != nil {
		return err
	}
	switch {
	case word == "paused":
		return job.ErrPaused
	case word == "spec" && len(said) > 2 && said[1] == "identity":
		return &job.SpecError{Job: q.job, Field: said[1], Mine: q.spec.Identity, Found: said[2]}
	case word == "spec" && len(said) > 2:
		return &job.SpecError{Job: q.job, Field: said[1], Mine: q.spec.Details, Found: said[2]}
	case word == "backlog" && len(said) > 1:
		return limitError("callbacks", said[1])
	default:
		return fmt.Errorf("redis: a script refused with %q and %d more values, which is not known here", word, len(said)-1)
	}
}

// Put opens a callback for each difference of one portion of a leased range;
// portions count from 1. It may be repeated. ErrLost: the lease is over.
// ErrPortion: the portion before was lost; compare the range again.
func (q *Queue) Put(ctx context.Context, r job.LeasedRange, portion int, differences []job.Difference) error {
	return q.put(ctx, r.ID, r.Token, portion, differences)
}

// PutAgain opens a callback for a difference that no range stands behind: a
// late worker's POST may have landed last, so the row has to be looked at again.
func (q *Queue) PutAgain(ctx context.Context, differences []job.Difference) error {
	return q.put(ctx, "", "", 0, differences)
}

func (q *Queue) put(ctx context.Context, id, token string, portion int, differences []job.Difference) error {
	args := []any{id, token, portion, ms(q.lease), ms(q.confirmDelay), q.keys.callbackPrefix(), q.b.wakeChannel(), q.message(job.WakeDue)}
	for _, d := range differences {
		args = append(args, string(d.ID()), d.Destination, d.Shard.String(), d.Key, d.Type.String(), d.SourceHash, job.NewWebhookID())
	}
	keys := []string{q.keys.rangeItem(id), q.keys.rangesLeased(), q.keys.confirm()}
	reply, err := run(ctx, q.b.rdb, putScript, keys, args...)
	if err != nil {
		return fmt.Errorf("put %d differences of %s: %w", len(differences), q.job, err)
	}
	return leaseRefusal(reply)
}

// leaseRefusal turns the first word of a reply about a leased range into an error.
func leaseRefusal(reply []any) error {
	switch word, err := verdict(reply); {
	case err != nil:
		return err
	case word == "lost":
		return job.ErrLost
	case word == "portion":
		return job.ErrPortion
	}
	return nil
}

// AckRange ends a range whose last portion was put; portions is their number.
// ErrLost: the lease is over, or a lost reply was repeated. ErrPortion: compare it again.
func (q *Queue) AckRange(ctx context.Context, r job.LeasedRange, portions int, counts job.Counts) error {
	args := []any{r.ID, r.Token, portions, int64(counterLife / time.Second)}
	for name, n := range counts {
		args = append(args, name, n)
	}
	keys := append([]string{q.keys.rangeItem(r.ID), q.keys.rangesLeased()}, append(q.statKeys(), q.keys.stalled())...)
	reply, err := run(ctx, q.b.rdb, ackRangeScript, keys, args...)
	if err != nil {
		return fmt.Errorf("ack range %s: %w", r.ID, err)
	}
	return leaseRefusal(reply)
}

// RetryRange gives a range back to be run after a delay. ErrLost as AckRange's.
func (q *Queue) RetryRange(ctx context.Context, r job.LeasedRange, again job.Again) error {
	again.Delay = max(again.Delay, time.Millisecond)
	return q.nack(ctx, r, again)
}

// ReleaseRange gives a range back at once and counts no attempt: the worker stops.
func (q *Queue) ReleaseRange(ctx context.Context, r job.LeasedRange) error {
	return q.nack(ctx, r, job.Again{})
}

func (q *Queue) nack(ctx context.Context, r job.LeasedRange, again job.Again) error {
	stalls := 0
	if again.Blamed {
		stalls = 1
	}
	keys := []string{q.keys.rangeItem(r.ID), q.keys.rangesLeased(), q.keys.ranges(), q.keys.rangesRetry()}
	reply, err := run(ctx, q.b.rdb, nackRangeScript, keys, r.ID, r.Token, ms(again.Delay), again.Code, stalls,
		q.b.wakeChannel(), q.message(job.WakeRanges), q.message(job.WakeDue))
	if err != nil {
		return fmt.Errorf("give back range %s: %w", r.ID, err)
	}
	return leaseRefusal(reply)
}

// ExtendRanges extends leases (range id → token) and gives the ids that are lost.
func (q *Queue) ExtendRanges(ctx context.Context, leases map[string]string) (lost []string, err error) {
	return q.extend(ctx, q.keys.rangesLeased(), q.keys.rangePrefix(), leases)
}

// ExtendCallbacks extends leases (callback id → token) and gives the ids that are lost.
func (q *Queue) ExtendCallbacks(ctx context.Context, leases map[string]string) (lost []string, err error) {
	return q.extend(ctx, q.keys.callbacksLeased(), q.keys.callbackPrefix(), leases)
}

func (q *Queue) extend(ctx context.Context, leased, prefix string, leases map[string]string) ([]string, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	args := []any{prefix, ms(q.lease)}
	for id, token := range leases {
		args = append(args, id, token)
	}
	reply, err := run(ctx, q.b.rdb, extendScript, []string{leased}, args...)
	if err != nil {
		return nil, fmt.Errorf("extend leases of %s: %w", q.job, err)
	}
	return texts(reply)
}
