package check

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
)

// A comparison that is given up at any moment ends with that, or is complete.
func TestAComparisonMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	rows := numbered(t, 500)
	copied := append(append([]row{}, rows[:100]...), rows[150:]...)
	for _, strategy := range strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			lifecycletest.Stress{Rounds: 100, Longest: 10 * time.Millisecond}.Loop(t, func(ctx context.Context) {
				source, target := newMemory(rows), newMemory(copied)
				for _, side := range []*memory{source, target} {
					side.fail = func() error { return ctx.Err() }
				}
				pair := Pair{Job: "job", Destination: "far", Strategy: strategy, Source: source, Target: target, Relation: relation}
				found := 0
				_, err := Run(ctx, pair, Options{limits: &small, Report: func(context.Context, Finding) error { found++; return nil }})
				switch {
				case err != nil && !errors.Is(err, context.Canceled):
					t.Error(err)
				case err == nil && found != 50:
					t.Errorf("%d of 50 differences were found, and it said nothing", found)
				}
			})
		})
	}
}
