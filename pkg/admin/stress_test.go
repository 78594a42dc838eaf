package admin_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/lifecycletest"
	"github.com/masixun71/cupid-go/pkg/admin"
)

// People look while it starts and while it stops, also at the page that is kept up to date.
func TestAServerMayEndAtAnyMoment(t *testing.T) {
	t.Parallel()
	lifecycletest.Stress{Rounds: 100, Longest: 10 * time.Millisecond}.StartStop(t, func() (start, stop func()) {
		f := &standIn{}
		server, err := admin.New(admin.Config{Addr: "127.0.0.1:0", Role: "scheduler"}, admin.Sources{Fleet: f, Steering: f}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		look := func(path string) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server.Addr()+path, http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			response, err := client.Do(request)
			if err == nil { // else it has stopped
				_ = response.Body.Close()
			}
		}
		start = func() {
			server.Start()
			look("/readyz")
			look("/api/v1/stream")
		}
		stop = func() {
			if err := server.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		}
		return start, stop
	})
}
