package app_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/app"
)

// Processes of every role come and go at any moment, many before they have begun, while rows are lost.
// None hangs or fails, and a fleet that stays brings every row.
func TestProcessesMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receiver.Behave(w.repairing())
	const rows = 300
	w.insert(w.source, upTo(rows)...)
	var n atomic.Int64
	roles := []app.Role{app.Scheduler, app.Worker, app.Both}
	lifecycletest.Stress{Rounds: 60, AtOnce: 6, Longest: 600 * time.Millisecond}.Loop(t, func(ctx context.Context) {
		a, err := app.New(w.config(w.job), app.Options{Role: roles[n.Add(1)%3], Console: w.log}) //nolint:contextcheck // it ends with Stop
		if err != nil {
			t.Error(err)
			return
		}
		if err := errors.Join(a.Run(ctx), a.Stop(context.WithoutCancel(ctx)), a.Stop(context.WithoutCancel(ctx))); err != nil {
			t.Error(err)
		}
	})
	w.run(app.Scheduler)
	w.run(app.Worker)
	w.until(func() bool {
		var n int
		return w.far.DB.QueryRow("SELECT COUNT(*) FROM shop").Scan(&n) == nil && n == rows && len(w.work()) == 0
	}, "every row has come, and nothing is left")
}

// The same without a Redis, and without databases: what waits for a server ends as well.
func TestProcessesWithoutServersMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redis.Addrs = []string{"127.0.0.1:1"}
	var n atomic.Int64
	roles := []app.Role{app.Scheduler, app.Worker, app.Both}
	lifecycletest.Stress{Rounds: 60, Longest: 100 * time.Millisecond}.Loop(t, func(ctx context.Context) {
		c, role := w.config(w.job), roles[n.Add(1)%3]
		if role == app.Both {
			c.Redis, c.State = nil, t.TempDir() // a store of its own
		}
		a, err := app.New(c, app.Options{Role: role, Console: w.log}) //nolint:contextcheck // it ends with Stop
		if err != nil {
			t.Error(err)
			return
		}
		if err := errors.Join(a.Run(ctx), a.Stop(context.WithoutCancel(ctx))); err != nil {
			t.Error(err)
		}
	})
}
