package callback_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// A delivery that is cut off at any moment ends, and is never taken for one that the receiver refused.
func TestADeliveryMayBeCutOffAtAnyMoment(t *testing.T) {
	t.Parallel()
	var n, delivered atomic.Int64
	r := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody sees that the caller is gone
		switch n.Add(1) % 3 {
		case 0:
			<-r.Context().Done()
		case 1:
			time.Sleep(2 * time.Millisecond)
		}
		_, _ = w.Write([]byte("ok"))
	})
	e := endpoint(t, job.Callback{URL: r.URL, Timeout: 100 * time.Millisecond, Concurrency: 8})
	lifecycletest.Stress{Longest: 50 * time.Millisecond}.Loop(t, func(ctx context.Context) {
		switch answer := e.Send(ctx, delivery); answer.Outcome {
		case job.Delivered:
			delivered.Add(1)
		case job.Gone, job.Failed:
			t.Errorf("it ended as %v: %s", answer.Outcome, answer.Code)
		}
	})
	require.Positive(t, delivered.Load())
}
