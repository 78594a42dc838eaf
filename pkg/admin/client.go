package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

// maxAnswer bounds what a client reads.
const maxAnswer = 16 << 20

// ErrHangs says that a process answers and works no more.
var ErrHangs = errors.New("hangs")

// Client asks a running process.
type Client struct {
	// Addr is "host:port".
	Addr string
	// Token is what the process asks for where it has one; only Status needs it.
	Token job.Secret
}

// Live returns nil when the process answers.
func (c Client) Live(ctx context.Context) error {
	status, body, err := c.get(ctx, "/livez")
	if err != nil {
		return err
	}
	switch {
	case status == http.StatusOK && string(body) == alive:
		return nil
	case status == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: %s", ErrHangs, strings.ReplaceAll(strings.TrimSpace(string(body)), "\n", "; "))
	default:
		return c.unexpected("/livez", status)
	}
}

// Ready returns what keeps the process from being ready. The error is about
// asking: a process that answers "not ready" is no error.
func (c Client) Ready(ctx context.Context) (Readiness, error) {
	status, body, err := c.get(ctx, "/readyz")
	if err != nil {
		return Readiness{}, err
	}
	var r Readiness
	if err := json.Unmarshal(body, &r); err != nil || r.Ready != (status == http.StatusOK) {
		return Readiness{}, c.unexpected("/readyz", status)
	}
	return r, nil
}

// Status reads the state of the process into what into points to.
func (c Client) Status(ctx context.Context, into any) error {
	status, body, err := c.get(ctx, "/status")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		var f failure
		if json.Unmarshal(body, &f) == nil && f.Error != "" {
			return fmt.Errorf("ask %s for its status: %s", c.Addr, f.Error)
		}
		return c.unexpected("/status", status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the status of %s: %w", c.Addr, err)
	}
	return nil
}

func (c Client) get(ctx context.Context, path string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Addr+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("admin address %q: want host:port", c.Addr)
	}
	if !c.Token.Empty() {
		req.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	}
	// One question, one connection; a proxy has nothing to do with it.
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", c.Addr, err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", c.Addr, err)
	}
	return resp.StatusCode, body, nil
}

func (c Client) unexpected(path string, status int) error {
	return fmt.Errorf("%s answered %s with status %d: it is not a cupid process", c.Addr, path, status)
}
