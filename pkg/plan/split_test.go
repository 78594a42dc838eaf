package plan_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/plan"
)

func TestPartsCoverTheirRangeAndGrowSmall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		points := numbers(t)
		x := holding(byNumber, points...)
		r := job.Range{Scan: job.Insert, UpTo: points[rapid.IntRange(0, len(points)-1).Draw(t, "upto")]}
		if n := rapid.IntRange(-1, len(points)-1).Draw(t, "after"); n >= 0 {
			r.After = points[n]
		}
		if !r.After.Open() && x.behind(r.After) >= x.behind(r.UpTo) {
			return
		}
		parts, err := plan.Split(context.Background(), x, r)
		require.NoError(t, err)
		covered(t, x, r.After, r.UpTo, parts)
		at := r.After.String()
		for _, p := range parts {
			require.Equal(t, at, p.After.String(), "a gap or an overlap")
			at = p.UpTo.String()
		}
		require.Equal(t, r.UpTo.String(), at)
		rows := x.count(r)
		require.LessOrEqual(t, len(parts), 64)
		if rows == 1 {
			require.Len(t, parts, 1, "a single row cannot be divided")
		}
		for _, p := range parts {
			require.Equal(t, r.Scan, p.Scan)
			require.LessOrEqual(t, x.count(p), max(1, rows/16), p.ID())
		}
		require.Less(t, x.queries, 80)
	})
}

func TestARangeIsNarrowedToItsRowInFewSteps(t *testing.T) {
	t.Parallel()
	x := dense(1, 10_000)
	r := job.Range{Scan: job.Insert, UpTo: job.KeyPoint("10000")}
	steps := 0
	for ; x.count(r) > 1; steps++ {
		parts, err := plan.Split(t.Context(), x, r)
		require.NoError(t, err)
		for _, p := range parts {
			if x.count(job.Range{After: p.After, UpTo: job.KeyPoint("7777")}) > 0 && x.behind(p.UpTo) >= 7777 {
				r = p
			}
		}
	}
	require.Equal(t, "7776..7777", r.After.String()+".."+r.UpTo.String())
	require.LessOrEqual(t, steps, 3)
}

func TestWhatCannotBeDividedIsOnePart(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]job.Range{
		"no row":  {Scan: job.Insert, After: job.KeyPoint("100"), UpTo: job.KeyPoint("200")},
		"one row": {Scan: job.Insert, After: job.KeyPoint("4"), UpTo: job.KeyPoint("5")},
	} {
		parts, err := plan.Split(t.Context(), dense(1, 10), r)
		require.NoError(t, err)
		require.Equal(t, []job.Range{r}, parts, name)
	}
	for n := range 4 {
		_, err := plan.Split(t.Context(), &broken{after: n}, job.Range{After: job.KeyPoint("0"), UpTo: job.KeyPoint("1000000")})
		require.ErrorIs(t, err, errBroken)
	}
}
