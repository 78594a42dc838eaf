//go:build e2e

package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/callbacktest"
	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/test/fleet"
)

// launch starts a fleet on one config.
func launch(t *testing.T, w *fleet.World, config string, schedulers, workers int, env ...string) []*fleet.Process {
	t.Helper()
	var all []*fleet.Process
	for range schedulers {
		all = append(all, fleet.Launch(t, fleet.Name(fleet.Scheduler, len(all)+1), w.Env(env...), fleet.Scheduler, "-c", config))
	}
	for i := range workers {
		all = append(all, fleet.Launch(t, fleet.Name(fleet.Worker, i+1), w.Env(env...), fleet.Worker, "-c", config))
	}
	return all
}

// hundredThousand fills both tables: half a percent of the copies is missing,
// half a percent different. It gives what callbacks that must bring.
func hundredThousand(t *testing.T, w *fleet.World) (expected map[callbacktest.Key]fleet.Row) {
	t.Helper()
	w.Fill(t, 1, 100_000)
	w.CopyAll(t)
	w.Exec(t, "DELETE d FROM db2.user d JOIN db.user s USING (number) WHERE s.id % 200 = 0")
	w.Exec(t, "UPDATE db2.user d JOIN db.user s USING (number) SET d.name = CONCAT(d.name, '!') WHERE s.id % 200 = 1")
	expected = map[callbacktest.Key]fleet.Row{}
	for id, row := range w.SourceRows(t, "id % 200 = 0") {
		expected[callbacktest.Key{ID: id, Type: 1}] = row
	}
	for id, row := range w.SourceRows(t, "id % 200 = 1") {
		expected[callbacktest.Key{ID: id, Type: 2}] = row
	}
	require.Len(t, expected, 1000)
	return expected
}

// repairs is a receiver that repairs, and knows what it has repaired.
type repairs struct {
	w  *fleet.World
	mu sync.Mutex
	n  map[callbacktest.Key]int
}

func (r *repairs) repair(body callbacktest.Body) error {
	if err := r.w.Repair(body); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n[callbacktest.Key{ID: body.Value("id"), Type: body.Type}]++
	return nil
}

func (r *repairs) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.n)
}

// requireExactly checks that each expected callback had its yes once, that no
// other came, and that every body was the source row.
func (r *repairs) requireExactly(t *testing.T, expected map[callbacktest.Key]fleet.Row) {
	t.Helper()
	once := map[callbacktest.Key]int{}
	for key := range expected {
		once[key] = 1
	}
	require.Equal(t, once, r.n)
	for _, request := range r.w.Receiver.Received() {
		row := expected[callbacktest.Key{ID: request.Body.Value("id"), Type: request.Body.Type}]
		require.Equal(t, row, fleet.Row(request.Body.SrcColumn))
		require.Equal(t, http.MethodPost, request.Method)
		require.Equal(t, "/test/callback", request.Path)
		require.Equal(t, "application/json", request.Header.Get("Content-Type"))
	}
}

func TestSeedConfigFindsExactlyWhatIsMissingOrDifferent(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	expected := hundredThousand(t, w)
	receiver := &repairs{w: w, n: map[callbacktest.Key]int{}}
	w.Receiver.Behave(callbacktest.Repair(receiver.repair))

	began := time.Now()
	launch(t, w, w.SeedConfig(t), 2, 3)
	eventually.Until(t, 2*time.Minute, func() bool { return receiver.count() >= len(expected) }, "1000 callbacks")
	t.Logf("all callbacks came %s after the start", time.Since(began).Round(10*time.Millisecond))
	w.WaitUntilSettled(t, time.Minute)
	t.Logf("all were closed %s after the start", time.Since(began).Round(10*time.Millisecond))

	receiver.requireExactly(t, expected)
	require.Equal(t, len(expected), w.Receiver.Count(), "each is POSTed once")
	require.Equal(t, len(expected), w.Stats(t)["closed_equal"])
	require.Zero(t, w.Alerts.Count())
}

func TestSeedConfigWithAReceiverThatFailsAndHangs(t *testing.T) {
	t.Parallel()
	w := fleet.NewWorld(t)
	expected := hundredThousand(t, w)
	receiver := &repairs{w: w, n: map[callbacktest.Key]int{}}
	const seed = 1
	w.Receiver.Behave(callbacktest.HangRate(seed, 0.01,
		callbacktest.FailRate(seed, 0.3, http.StatusInternalServerError, callbacktest.Repair(receiver.repair))))

	launch(t, w, w.SeedConfig(t, `"failureJobRetrySecond": 1`, `"slowRetrySecond": 2`, `"verifyDelaySecond": 1`), 2, 3)
	eventually.Until(t, 3*time.Minute, func() bool { return receiver.count() >= len(expected) }, "1000 callbacks")
	w.WaitUntilSettled(t, time.Minute)

	receiver.requireExactly(t, expected)
	stats := w.Stats(t)
	require.Equal(t, w.Receiver.Count(), len(expected)+stats["failed"]+stats["unanswered"])
	require.NotZero(t, stats["failed"])
	require.NotZero(t, stats["unanswered"])
	require.Zero(t, stats["no_effect"])
}
