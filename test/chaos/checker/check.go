package checker

import (
	"context"
	"fmt"
	"time"
)

// Settle waits until the fleet has nothing left to do: the cursor at the top, both
// tables equal, no key of work. What still stands in the way after limit is a violation.
func (p Place) Settle(ctx context.Context, limit time.Duration) (violations []string) {
	const pause = 200 * time.Millisecond
	for deadline := time.Now().Add(limit); ; {
		violations = p.now(ctx)
		if len(violations) == 0 || time.Now().After(deadline) || ctx.Err() != nil {
			return violations
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (p Place) now(ctx context.Context) (violations []string) {
	found := func(what string, all []string, err error) {
		switch {
		case err != nil:
			violations = append(violations, what+": "+err.Error())
		case len(all) > 0:
			violations = append(violations, fmt.Sprintf("%s: %d, %v", what, len(all), all[:min(len(all), 8)]))
		}
	}
	if behind, err := p.Behind(ctx); err != nil || behind != "" {
		return []string{fmt.Sprintf("not scanned to the top: %s %v", behind, err)}
	}
	left, err := p.Left(ctx)
	found("keys are left", left, err)
	differing, err := p.Differing(ctx)
	found("rows differ", differing, err)
	return violations
}
