package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/pulsetest"
	"github.com/masixun71/cupid-go/pkg/job"
)

// stuck is a queue whose promoter gets no answer.
type stuck struct{ *queue }

func (stuck) Promote(ctx context.Context, _ time.Duration) (job.Promoted, error) {
	<-ctx.Done()
	return job.Promoted{}, ctx.Err()
}

func TestLoopsAreHeardUntilTheyHangOrEnd(t *testing.T) {
	t.Parallel()
	loops := []string{Comparer, "deliverer of far", "promoter", "reclaimer"}
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			change func(f *fixture)
			silent []string
		}{
			"idle":                {change: func(*fixture) {}},
			"redis is away":       {change: func(f *fixture) { f.queue.away = errAway }},
			"the promoter hangs":  {change: func(f *fixture) { f.c.Queue = stuck{f.queue} }, silent: []string{"promoter"}},
			"polls are very slow": {change: func(f *fixture) { f.c.RangePoll, f.c.CallbackPoll = time.Hour, time.Hour }},
		} {
			f, heard := newFixture(waits), &pulsetest.Listener{}
			f.c.Pulse = heard
			c.change(f)
			stop := f.start(t.Context())
			time.Sleep(30 * time.Minute)
			synctest.Wait()
			require.Equal(t, loops, heard.Living(), name)
			require.Equal(t, c.silent, heard.Silent(), name)
			stop()
			require.Empty(t, heard.Living(), name)
		}
	})
}
