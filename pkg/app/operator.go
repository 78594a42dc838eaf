package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/masixun71/cupid-go/pkg/admin"
	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// Operator is what the operator's commands look at and steer: a fleet, over its Redis or
// over the API of one of its processes. What they see and what comes of it is the same.
type Operator interface {
	admin.Lists
	admin.Orders
	Status(ctx context.Context) (Status, error)
	// Row reads a row as the source and each destination hold it.
	Row(ctx context.Context, who string, o RowOptions) ([]RowReport, error)
	// Rescan has rows looked at again that were scanned before.
	Rescan(ctx context.Context, o RescanOptions) error
	Close() error
}

var (
	_ Operator = overRedis{}
	_ Operator = overHTTP{}
)

type (
	// Place is a part of a queue that an operator asks for.
	Place = admin.Place
	// Order is what is to be done with callbacks.
	Order = admin.Order
	// Audit is a search for callbacks that stand in no queue.
	Audit = admin.Audit
	// Pause is what is to stand still.
	Pause = admin.Pause
	// Removal is a job to be forgotten.
	Removal = admin.Removal
	// Waiting is one callback.
	Waiting = job.Waiting
	// Shown is one callback with all that Redis holds of it.
	Shown = job.Shown
	// Event is something that happened, and who did it.
	Event = job.Event
	// Act is what can be done with a callback.
	Act = job.Act
)

// The acts.
const (
	ActRetry  = job.ActRetry
	ActPark   = job.ActPark
	ActUnpark = job.ActUnpark
	ActDrop   = job.ActDrop
)

// Queues are those of callbacks, by name.
func Queues() []string { return slices.Clone(broker.WaitingQueues) }

// Mistaken reports whether what was asked, or who asked, has to change before the answer can.
func Mistaken(err error) bool {
	refusal, refused := errors.AsType[*admin.RefusalError](err)
	return refused && refusal.Mistaken() || slices.ContainsFunc(
		[]error{ErrConfig, admin.ErrUnknown, admin.ErrInUse, broker.ErrRefused}, func(mark error) bool { return errors.Is(err, mark) })
}

// Operate gives the operator of the fleet that a config names: over its Redis, or where it
// names none over the API of the cupid that keeps its work in itself.
func Operate(c *config.Config) Operator {
	if c.Redis == nil {
		return OperateAt(DefaultAddr(c.HTTP.Addr, Both), c.HTTP.Token.Reveal())
	}
	b := broker.Open(*c.Redis, broker.Options{Name: "cupid-operator"})
	return overRedis{ledger{b}, c}
}

// OperateAt gives the operator of a fleet by the API of one of its processes, "host:port" or a URL, with its http.token, "" for none.
func OperateAt(addr, token string) Operator {
	return overHTTP{admin.Client{Addr: addr, Token: job.NewSecret(token)}}
}

// overRedis needs no process of the fleet.
type overRedis struct {
	ledger
	c *config.Config
}

// Status looks twice, a second apart.
func (o overRedis) Status(ctx context.Context) (Status, error) { return readStatus(ctx, o.b) }

// Row reads the databases.
func (o overRedis) Row(ctx context.Context, _ string, r RowOptions) ([]RowReport, error) {
	return LookAtRow(ctx, o.c, r)
}

// Rescan reads the source's keys, and ends when all ranges are pushed.
func (o overRedis) Rescan(ctx context.Context, r RescanOptions) error {
	jobs, err := chosen(o.c, CheckOptions{Job: r.Job})
	if err != nil {
		return err
	}
	if len(jobs) > 1 {
		return fmt.Errorf("%w: %s has %d jobs: say which one with --job", ErrConfig, o.c.Path, len(jobs))
	}
	tables, opened, err := inspect(ctx, jobs[0], mysql.Options{MaxOpen: 1})
	if err != nil {
		return err
	}
	defer opened.close(discard)
	return rescan(ctx, o.b, jobs[0], tables.Source, newRescan(), r)
}

func (o overRedis) Close() error { return o.b.Close() }

// overHTTP needs neither config nor Redis.
type overHTTP struct{ admin.Client }

func (o overHTTP) Status(ctx context.Context) (s Status, err error) {
	err = o.Client.Status(ctx, &s)
	return s, err
}

// Row has the process read the databases.
func (o overHTTP) Row(ctx context.Context, who string, r RowOptions) (found []RowReport, err error) {
	look := admin.Look{Who: who, Job: r.Job, Destination: r.Destination}
	if r.ByColumns {
		look.By = r.Key
	} else if look.Key = r.Key[0]; len(r.Key) > 1 {
		return nil, fmt.Errorf("%w: %d key values, want one, the scan key; with --by-column one for each byColumn", ErrConfig, len(r.Key))
	}
	said, err := o.Client.Row(ctx, look)
	if err != nil {
		return nil, err
	}
	text, _ := said.(json.RawMessage)
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("read the row that %s sent: %w", o.Addr, err)
	}
	return found, nil
}

// Rescan has the process push the ranges; it goes on there.
func (o overHTTP) Rescan(ctx context.Context, r RescanOptions) error {
	scan, err := o.Client.Rescan(ctx, admin.Rescan{Who: r.Who, Job: r.Job, From: r.From, To: r.To, Reason: r.Why})
	if err == nil && r.OnBegun != nil {
		r.OnBegun(string(scan))
	}
	return err
}

func (overHTTP) Close() error { return nil }
