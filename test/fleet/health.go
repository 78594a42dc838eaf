package fleet

import (
	"context"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/eventually"
	"github.com/masixun71/cupid-go/internal/proctest"
)

func terminate(p *proctest.Process) error { return p.Signal(syscall.SIGTERM) }
func hangUp(p *proctest.Process) error    { return p.Signal(syscall.SIGHUP) }

// Get asks the admin address; status 0 means that nothing answered.
func (p *Process) Get(path string) (status int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Addr+path, http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// WaitForStatus waits until a path of the admin address answers with a status.
func (p *Process) WaitForStatus(t testing.TB, path string, status int, limit time.Duration) {
	t.Helper()
	eventually.Until(t, limit, slowly(func() bool {
		got, _ := p.Get(path)
		return got == status
	}), p.Name+" answers "+path+" with "+http.StatusText(status))
}

// WaitForReady waits until every process is ready.
func WaitForReady(t testing.TB, processes ...*Process) {
	t.Helper()
	for _, p := range processes {
		p.WaitForStatus(t, "/readyz", http.StatusOK, patience)
	}
}

// patience is how long a start may take here: the race detector is slow, and
// other tests run beside this one.
const patience = 60 * time.Second

// slowly keeps a condition that costs something from being asked all the time.
func slowly(condition func() bool) func() bool {
	const pause = 50 * time.Millisecond
	return func() bool {
		<-time.After(pause)
		return condition()
	}
}
