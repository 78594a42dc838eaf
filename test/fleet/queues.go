package fleet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/eventually"
)

// Key is the name of a key of the seed's job.
func Key(name string) string { return "cupid:{" + Job + "}:" + name }

// Open lists the keys of work that is not finished: every list, sorted set and
// item of ranges and callbacks. Redis deletes what is empty, so nothing is open
// when none exists.
func (w *World) Open(ctx context.Context) ([]string, error) {
	var keys []string
	for _, kind := range []string{"range", "callback"} {
		iterator := w.Redis.Client.Scan(ctx, 0, Key(kind)+"*", 1000).Iterator()
		for iterator.Next(ctx) {
			keys = append(keys, iterator.Val())
		}
		if err := iterator.Err(); err != nil {
			return nil, fmt.Errorf("list the open work: %w", err)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Stats are the job's counters.
func (w *World) Stats(t testing.TB) map[string]int {
	t.Helper()
	fields, err := w.Redis.Client.HGetAll(t.Context(), Key("stats")).Result()
	if err != nil {
		t.Fatal(err)
	}
	stats := map[string]int{}
	for name, text := range fields {
		if stats[name], err = strconv.Atoi(text); err != nil {
			t.Fatalf("counter %s: %v", name, err)
		}
	}
	return stats
}

// Cursor is how far the insert scan has claimed; "" before its first claim.
func (w *World) Cursor(ctx context.Context) (string, error) {
	fields, err := w.Redis.Client.HGetAll(ctx, Key("cursor")).Result()
	return fields["insert:"+Job], err
}

// WaitUntilSettled waits until the cursor is at the greatest id, both tables are
// equal and nothing is open. Whatever still differs then was never seen or was lost.
func (w *World) WaitUntilSettled(t testing.TB, limit time.Duration) {
	t.Helper()
	var top string
	if err := w.DB.QueryRowContext(t.Context(), "SELECT COALESCE(MAX(id), '') FROM db.user").Scan(&top); err != nil {
		t.Fatal(err)
	}
	var open, differing []string
	var cursor string
	settled := eventually.Holds(limit, slowly(func() bool {
		var err error
		if cursor, err = w.Cursor(t.Context()); err != nil || cursor != top {
			return false
		}
		if open, err = w.Open(t.Context()); err != nil || len(open) > 0 {
			return false
		}
		differing = w.Differing(t)
		return len(differing) == 0
	}))
	if !settled {
		t.Fatalf("not settled after %s: cursor %s of %s, %d rows differ (%s), %d keys are open (%s)", limit, cursor, top,
			len(differing), some(differing), len(open), some(open))
	}
}

// some shows the first of many.
func some(all []string) string { return strings.Join(all[:min(len(all), 8)], ", ") }
