package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

// copied is a replica of both sides.
type copied struct {
	tables
	failed int
}

func (c *copied) sides(w *Worker) Sides {
	t := w.c.Targets[0]
	t.Destination = far{&c.tables}
	return Sides{Source: &c.tables, Targets: []Target{t}, Failed: func(error) { c.failed++ }}
}

// near leads to a replica, when there is one.
type near struct {
	w *Worker
	c *copied
}

func (n near) Sides(context.Context, job.Range) (Sides, bool) { return n.c.sides(n.w), true }

// TestOnlyFirstLooksAreTakenOnReplicas: whatever is looked at again, or failed
// before, is read on the primaries.
func TestOnlyFirstLooksAreTakenOnReplicas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scan              job.Scan
		attempts, stalls  int
		away              error // the replica's
		replica           bool  // whether it is read
		missing, differed int   // what is put of the two rows that the primaries' sides have otherwise
	}{
		"a first look":             {job.Insert, 0, 0, nil, true, 0, 1},
		"of updates":               {job.Update, 0, 0, nil, true, 0, 1},
		"a second look":            {job.InsertLate, 0, 0, nil, false, 1, 1},
		"of updates again":         {job.UpdateLate, 0, 0, nil, false, 1, 1},
		"a rescan":                 {job.Scan("rescan-1"), 0, 0, nil, false, 1, 1},
		"what failed":              {job.Insert, 1, 0, nil, false, 1, 1},
		"what ended a worker":      {job.Insert, 0, 1, nil, false, 1, 1},
		"a replica that gives way": {job.Insert, 0, 0, errAway, true, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(waits)
				f.tables.source = map[string]string{"a": "1", "b": "2", "c": "3", "late": "4"}
				f.tables.far = map[string]string{"a": "1", "b": "2", "c": "x"}
				// It lacks the row "late", and its far side is behind with b.
				replica := &copied{tables: tables{source: map[string]string{"a": "1", "b": "2", "c": "3"}, far: map[string]string{"a": "1", "b": "old", "c": "x"}, away: c.away}}
				f.c.Replicas = near{f.Worker, replica}
				r := job.Range{Scan: c.scan, Shard: shop, UpTo: job.KeyPoint("z")}
				f.queue.ranges = []job.LeasedRange{{ID: r.ID(), Token: "r", Range: r, Attempts: c.attempts, Stalls: c.stalls}}
				stop := f.start(t.Context())
				time.Sleep(time.Second)
				stop()
				found := map[job.Type]int{}
				for _, d := range f.queue.put {
					found[d.Type]++
				}
				require.Equal(t, c.missing, found[job.Missing])
				require.Equal(t, c.differed, found[job.Different])
				require.Equal(t, c.replica, replica.reads > 0)
				require.Len(t, f.queue.acked, 1)
				if c.away != nil {
					require.Equal(t, 1, replica.failed, "once, and then it is left alone")
				}
			})
		})
	}
}
