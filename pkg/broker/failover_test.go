package broker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/redistest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// way takes a row from the claim of its range to the end of its callback; before is called before each step.
func (f *fixture) way(l *Leadership, from, to string, before func()) {
	f.Helper()
	ctx := f.Context()
	q := f.queue(func(c *QueueConfig) { c.ConfirmDelay = 0 })
	before()
	require.NoError(f, l.Claim(ctx, claim(from, to)))
	before()
	r := f.fetchRange()
	before()
	require.NoError(f, q.BeginRange(ctx, r))
	before()
	require.NoError(f, q.Put(ctx, r, 1, []job.Difference{difference(to)}))
	before()
	require.NoError(f, q.AckRange(ctx, r, 1, job.Counts{}))
	before()
	f.promote()
	before()
	c := f.fetchCallback()
	before()
	f.takeBack()
	before()
	require.Equal(f, job.SettledOK, f.settle(job.Settlement{Callback: c, To: job.Closed}))
}

// A server that was restarted or took over knows no script: each is given to it again.
func TestEveryStepPassesOnAServerThatForgotItsScripts(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	f := newFixture(t, server.Addr, "")
	f.way(f.lead("leader"), "", "10", func() { require.NoError(f, f.raw.ScriptFlush(t.Context()).Err()) })
}

// A primary that became a replica takes no writes: that is no refusal, nothing is done by
// halves, and work goes on over the same connections when it is primary again.
func TestAServerThatTakesNoWritesIsWaitedFor(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	f := newFixture(t, server.Addr, "")
	ctx := t.Context()
	l := f.lead("leader")
	f.way(l, "", "10", func() {})
	require.NoError(f, l.Claim(ctx, claim("10", "20")))
	leased := f.fetchRange()
	require.NoError(f, l.Claim(ctx, claim("20", "25")))
	before := f.state()

	require.NoError(f, f.raw.ReplicaOf(ctx, "127.0.0.1", "1").Err())
	for what, step := range map[string]func() error{
		"claim":   func() error { return l.Claim(ctx, claim("25", "30")) },
		"refresh": func() error { return l.Refresh(ctx, lease) },
		"fetch":   func() error { _, err := f.FetchRanges(ctx, "w1", 1); return err },
		"begin":   func() error { return f.BeginRange(ctx, leased) },
		"put":     func() error { return f.Put(ctx, leased, 1, []job.Difference{difference("20")}) },
		"ack":     func() error { return f.AckRange(ctx, leased, 0, job.Counts{}) },
		"promote": func() error { _, err := f.Promote(ctx, longestDelay); return err },
		"reclaim": func() error { _, err := f.Reclaim(ctx); return err },
	} {
		var down *job.DownError
		require.ErrorAs(f, step(), &down, what)
	}
	require.Equal(f, before, f.state())

	require.NoError(f, f.raw.ReplicaOf(ctx, "NO", "ONE").Err())
	require.NoError(f, f.AckRange(ctx, leased, 0, job.Counts{}))
	require.NoError(f, f.AckRange(ctx, f.fetchRange(), 0, job.Counts{}))
	f.way(l, "25", "30", func() {})
}
