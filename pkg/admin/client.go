package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	// maxAnswer bounds what a client reads.
	maxAnswer = 16 << 20
	// answerTimeout bounds how long it waits; a process answers sooner, be it that it cannot.
	answerTimeout = 30 * time.Second
)

// ErrHangs says that a process answers and works no more.
var ErrHangs = errors.New("hangs")

// Client asks a running process.
type Client struct {
	// Addr is "host:port", or a URL where something stands in front of it that speaks TLS.
	Addr string
	// Token is what the process asks for where it has one; Live and Ready need none.
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
	return c.ask(ctx, http.MethodGet, "/status", "", nil, into)
}

// RefusalError is an answer that is an error.
type RefusalError struct {
	Addr   string
	Status int
	Why    string // a sentence for people
}

func (r *RefusalError) Error() string {
	switch r.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict:
		return r.Why // it is about what was asked, whoever was
	}
	return r.Addr + ": " + r.Why
}

// Mistaken reports whether what was asked, or who asked, has to change before the answer can.
func (r *RefusalError) Mistaken() bool { return r.Status >= 400 && r.Status < 500 }

// ask sends a question, or an order of who when there is a body, and reads the answer
// into what into points to. An answer that is an error is a *RefusalError.
func (c Client) ask(ctx context.Context, method, path, who string, body, into any) error {
	status, answer, err := c.send(ctx, method, path, who, body)
	if err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		return c.refusal(path, status, answer)
	}
	if status >= http.StatusMultipleChoices || json.Unmarshal(answer, into) != nil {
		return c.unexpected(path, status)
	}
	return nil
}

func (c Client) refusal(path string, status int, answer []byte) error {
	var f failure
	if json.Unmarshal(answer, &f) != nil || f.Error == "" {
		if status == http.StatusNotFound && strings.HasPrefix(path, "/api/") {
			return &RefusalError{c.Addr, http.StatusForbidden, "it has no API, as a worker: ask a scheduler or a cupid"}
		}
		return c.unexpected(path, status)
	}
	if status == http.StatusUnauthorized {
		f.Error = "it wants its http.token, and none was given: set CUPID_HTTP_TOKEN, or name a file with --token-file"
		if !c.Token.Empty() {
			f.Error = "the token is not its http.token"
		}
	}
	return &RefusalError{Addr: c.Addr, Status: status, Why: f.Error}
}

func (c Client) get(ctx context.Context, path string) (status int, body []byte, err error) {
	return c.send(ctx, http.MethodGet, path, "", nil)
}

// send sends one request; a body is written as JSON.
func (c Client) send(ctx context.Context, method, path, who string, body any) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return 0, nil, fmt.Errorf("ask %s: %w", c.Addr, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base()+path, &sent)
	if err != nil || req.URL.Host == "" || req.URL.User != nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return 0, nil, Asked(ErrUnknown, fmt.Errorf("admin address %q: want host:port, or a URL that begins with http:// or https://", c.Addr))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		req.Header.Set(userHeader, url.PathEscape(who))
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
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", c.Addr, err)
	}
	return resp.StatusCode, answer, nil
}

// base is what every path stands behind.
func (c Client) base() string {
	if strings.Contains(c.Addr, "://") {
		return strings.TrimRight(c.Addr, "/")
	}
	return "http://" + c.Addr
}

func (c Client) unexpected(path string, status int) error {
	return fmt.Errorf("%s answered %s with status %d: it is not a cupid process", c.Addr, path, status)
}
