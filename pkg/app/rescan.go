package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// RescanOptions say which rows the workers are to look at again.
type RescanOptions struct {
	Job      string // name; "" when there is only one
	From, To string // scan keys, both inclusive where they are integers; "" means no bound
	Who, Why string // for the events
	// OnBegun hears of the scan that a process does from now on, while who asked goes on; may be nil.
	OnBegun func(scan string)
	// OnPushed hears how many ranges wait for the workers by now; may be nil.
	OnPushed func(ranges int, upto string)
}

// rescan pushes ranges over rows that were scanned before, for the fleet's workers, and leaves
// an event. The scans' cursors stay where they are. It waits while enough ranges wait.
func rescan(ctx context.Context, b *broker.Broker, j job.Job, source *mysql.Source, scan job.Scan, o RescanOptions) error {
	const batch, pause = 100, 500 * time.Millisecond
	q, err := b.Queue(broker.QueueConfig{Job: j.Name, Limits: broker.Limits{MaxRanges: j.MaxRanges}})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	upto, found, _, err := source.Bounds(ctx, job.Point{})
	if err != nil || !found {
		return err
	}
	after, err := lowerEnd(o.From, source.NumericKey())
	if err != nil {
		return err
	}
	if o.To != "" {
		upto = job.KeyPoint(o.To)
	}
	if err := b.NoteEvent(ctx, job.Event{Job: j.Name, Kind: rescanned, Who: o.Who, What: o.what(scan)}); err != nil {
		return err
	}
	cutter := &plan.Cutter{
		Index: source, Scan: scan, Shard: j.Source.Shard, Rows: j.RangeRows, Numeric: source.NumericKey(),
	}
	for pushed := 0; after.String() != upto.String(); {
		ranges, err := cutter.Cut(ctx, after, upto, min(batch, max(j.MaxRanges, 1)))
		if err != nil || len(ranges) == 0 {
			return err
		}
		for err = q.Push(ctx, ranges); err != nil; err = q.Push(ctx, ranges) {
			if _, full := errors.AsType[*job.LimitError](err); !full {
				return err
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		pushed += len(ranges)
		after = ranges[len(ranges)-1].UpTo
		if o.OnPushed != nil {
			o.OnPushed(pushed, after.String())
		}
	}
	return nil
}

// rescanned is the kind of the event that a rescan leaves.
const rescanned job.EventKind = "rescan"

// newRescan is the scan of a rescan that begins now.
func newRescan() job.Scan { return job.Rescan(time.Now().Unix()) }

// what says which rows are meant, and why.
func (o RescanOptions) what(scan job.Scan) string {
	what := string(scan) + ": keys " + cmp.Or(o.From, "(first)") + " to " + cmp.Or(o.To, "(last)")
	if o.Why != "" {
		what += ": " + o.Why
	}
	return what
}

// rescanOrder is a rescan that this process does for somebody who does not wait for it.
type rescanOrder struct {
	job     job.Job
	scan    job.Scan
	source  *mysql.Source
	opened  pools
	options RescanOptions
}

// beginRescan looks at the job's tables and has the loop rescanner do the rest.
func (a *App) beginRescan(ctx context.Context, j job.Job, o RescanOptions) (job.Scan, error) {
	tables, opened, err := inspect(ctx, j, mysql.Options{MaxOpen: 1})
	if err != nil {
		return "", err
	}
	if _, err = lowerEnd(o.From, tables.Source.NumericKey()); err == nil && o.To != "" {
		_, err = lowerEnd(o.To, tables.Source.NumericKey())
	}
	if err != nil {
		opened.close(discard)
		return "", admin.Asked(admin.ErrUnknown, err)
	}
	scan := newRescan()
	select {
	case a.rescans <- rescanOrder{job: j, scan: scan, source: tables.Source, opened: opened, options: o}:
		return scan, nil
	default:
		opened.close(discard)
		return "", admin.Asked(admin.ErrElsewhere, errors.New("this process still pushes the ranges of another rescan: the events say when it is done; or ask another scheduler"))
	}
}

// rescanner does the rescans that the API began, one at once.
func (a *App) rescanner(ctx context.Context) {
	for {
		select {
		case o := <-a.rescans:
			a.doRescan(ctx, o)
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) doRescan(ctx context.Context, o rescanOrder) {
	defer o.opened.close(discard)
	pushed, reached := 0, "nothing"
	o.options.OnPushed = func(ranges int, upto string) { pushed, reached = ranges, upto }
	err := rescan(ctx, a.broker, o.job, o.source, o.scan, o.options)
	what := fmt.Sprintf("%s: %d ranges pushed, up to %s", o.scan, pushed, reached)
	if err != nil {
		what += ", ended early; begin again behind it"
		a.log.Warn("a rescan ended early", "job", o.job.Name, "pushed", pushed, "upto", reached, "error", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
	defer cancel()
	if err := a.broker.NoteEvent(ctx, job.Event{Job: o.job.Name, Kind: rescanned, Who: a.id, What: what}); err != nil {
		a.log.Debug("the end of a rescan was not noted", "error", err)
	}
}

// lowerEnd is the exclusive end before an inclusive key.
func lowerEnd(from string, numeric bool) (job.Point, error) {
	if from == "" {
		return job.Point{}, nil
	}
	if !numeric {
		return job.KeyPoint(from), nil
	}
	n, ok := new(big.Int).SetString(from, 10)
	if !ok {
		return job.Point{}, fmt.Errorf("%w: --from %q: want a whole number, as the scan key is", ErrConfig, from)
	}
	return job.KeyPoint(n.Sub(n, big.NewInt(1)).String()), nil
}
