package logging_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/logging"
)

// Logs are opened and closed at any moment, beside others of their name, while lines are written.
func TestALogMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lifecycletest.Stress{Rounds: 100, Longest: 10 * time.Millisecond}.Loop(t, func(ctx context.Context) {
		log, end, err := logging.New(logging.Config{Dir: dir}, "worker", io.Discard)
		if err != nil {
			t.Error(err)
			return
		}
		var writers sync.WaitGroup
		for range 2 {
			writers.Go(func() {
				for range 20 {
					log.Info("a line")
				}
			})
		}
		<-ctx.Done()
		if err := end(); err != nil {
			t.Error(err)
		}
		writers.Wait()
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}
