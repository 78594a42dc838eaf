// Package callback makes one HTTP delivery and says what its answer means.
package callback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

const (
	defaultTimeout     = 3 * time.Second
	defaultConcurrency = 1

	// drainBytes of an answer are read so that its connection can be used
	// again; a longer answer costs the connection.
	drainBytes = 64 << 10

	// headerBytes of an answer are read at most.
	headerBytes = 64 << 10

	// idleTimeout stays below the 5 s after which widespread servers close an
	// idle connection: a POST that meets a closing one may have been done.
	idleTimeout = 4 * time.Second

	// lateAnswer is waited for where a message could not be written whole.
	lateAnswer = 100 * time.Millisecond
)

// past is a deadline that ends what waits.
var past = time.Unix(1, 0)

// Endpoint is a receiver of callbacks. It is safe for concurrent use.
type Endpoint struct {
	url     *url.URL // without user info
	shown   string   // for logs: without user info and query
	body    body
	head    []byte // of each message, up to what a delivery adds
	timeout time.Duration
	signer  signer
	dialer  *dialer
	pool    *pool
}

// New checks what the config says about the callback and makes the endpoint
// ready; it does not connect. Errors hold neither the URL's password nor a secret.
func New(c job.Callback) (*Endpoint, error) {
	u, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	sign, err := newSigner(c.Secrets)
	if err != nil {
		return nil, err
	}
	form := cmp.Or(c.Body, job.BodySeed)
	if forms := []job.BodyForm{job.BodySeed, job.BodyRow, job.BodyExtended}; !slices.Contains(forms, form) {
		return nil, fmt.Errorf("callback body %q: want one of %q", form, forms)
	}
	headers := headersOf(c.Connect, u.User)
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	e := &Endpoint{
		url:     u,
		shown:   u.Scheme + "://" + u.Host + u.EscapedPath(),
		body:    body{form, c.MaxBytes},
		timeout: cmp.Or(c.Timeout, defaultTimeout),
		signer:  sign,
		pool:    &pool{most: cmp.Or(c.Concurrency, defaultConcurrency)},
	}
	if e.dialer, err = newDialer(u, c.Connect); err != nil {
		return nil, err
	}
	through, err := e.dialer.through()
	if err != nil {
		through = nil // connecting says so, each time
	}
	if e.head, err = headOf(u, headers, through); err != nil {
		return nil, err
	}
	return e, nil
}

// parseURL reads an address as the config file has it; without a scheme it is http.
// The parser's own error is left out, for it may quote a part of a password.
func parseURL(text string) (*url.URL, error) {
	const want = "want http://host[:port]/path or https://host[:port]/path"
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, fmt.Errorf("callback url is empty: %s", want)
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("callback url cannot be understood: %s", want)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("callback url has the scheme %q: %s", u.Scheme, want)
	}
	return u, nil
}

// Host names the receiver as "host" or "host:port", in lower case.
func (e *Endpoint) Host() string { return hostOf(e.url) }

// HostOf is the Host of an endpoint with this address; "" where it cannot be understood.
func HostOf(address string) string {
	u, err := parseURL(address)
	if err != nil {
		return ""
	}
	return hostOf(u)
}

// hostOf leaves a port out that the scheme says already: with it and without, it is one receiver.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Port() == standardPorts[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return host
}

// Close ends the idle connections; running deliveries are not touched.
func (e *Endpoint) Close() { e.pool.close() }

// Send makes one POST and waits for its answer, at most for the endpoint's
// time-out, which covers the connecting and the whole answer. A ctx that ends
// earlier, by cancel or deadline, is a stop.
func (e *Endpoint) Send(ctx context.Context, r job.Delivery) job.Answer {
	body, leftOut, err := e.body.encode(r) // a row of many megabytes takes its time, which is not the receiver's
	if err == nil && !writable(r.Job, r.Destination, r.WebhookID) {
		err = errors.New("the job's or destination's name or the webhook id cannot stand in a header")
	}
	if err != nil {
		return job.Answer{Outcome: job.NotSent, Code: "request", Detail: fmt.Sprintf("POST %s: %v", e.shown, err)}
	}
	start := time.Now()
	a := e.exchange(ctx, start.Add(e.timeout), e.message(r, len(leftOut), start, body))
	a.Took = time.Since(start)
	return a
}

// exchange makes one POST on one connection: the one that was used last, or a new one.
func (e *Endpoint) exchange(ctx context.Context, deadline time.Time, message []byte) job.Answer {
	if ctx.Err() != nil {
		return e.unconnected(ctx, deadline, ctx.Err())
	}
	for c := e.pool.take(); ; c = nil {
		used := c != nil
		if !used {
			connected, err := e.connect(ctx, deadline)
			if err != nil {
				return e.unconnected(ctx, deadline, err)
			}
			c = newConn(connected)
		}
		if !c.bind(ctx) {
			_ = c.Close()
			continue
		}
		_ = c.SetDeadline(deadline)
		if ctx.Err() != nil { // and perhaps before that deadline, which has overwritten the end
			_ = c.Close()
			return e.unconnected(ctx, deadline, ctx.Err())
		}
		sent, err := c.Write(message)
		if err != nil && used && sent == 0 && !errors.Is(err, os.ErrDeadlineExceeded) { // it was closed while it was idle, and nothing went out
			_ = c.Close()
			continue
		}
		a, whole := e.heard(ctx, deadline, c, err)
		if whole && ctx.Err() == nil {
			e.pool.put(c)
		} else {
			_ = c.Close()
		}
		return a
	}
}

func (e *Endpoint) connect(ctx context.Context, deadline time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return e.dialer.connect(ctx)
}

// heard judges what comes after a message was written, or could not be: a receiver
// may answer before it has read a large row. Whole says that the connection can be used again.
func (e *Endpoint) heard(ctx context.Context, deadline time.Time, c *conn, unwritten error) (a job.Answer, whole bool) {
	if unwritten != nil && ctx.Err() == nil {
		_ = c.SetReadDeadline(time.Now().Add(lateAnswer))
	}
	if status, ok := c.plain(); ok {
		a = e.judged(status)
		a.Outcome = job.Delivered
		return a, unwritten == nil && c.in.Buffered() == 0
	}
	resp, err := c.answer() //nolint:bodyclose // to close it would read on; the connection is closed unless it was read whole
	if err != nil {
		return e.failed(ctx, deadline, cmp.Or(unwritten, err)), false
	}
	ended := true
	if resp.StatusCode != http.StatusSwitchingProtocols { // what follows that is no body
		_, err = io.CopyN(io.Discard, resp.Body, drainBytes)
		ended = errors.Is(err, io.EOF)
	}
	a = e.answered(ctx, deadline, resp, err)
	return a, unwritten == nil && ended && !resp.Close && resp.StatusCode != http.StatusSwitchingProtocols && c.in.Buffered() == 0
}

// answered judges a status. A 2xx counts once its body has arrived: a receiver
// may send the status before its work and die in the middle of it.
func (e *Endpoint) answered(ctx context.Context, deadline time.Time, resp *http.Response, err error) job.Answer {
	a := e.judged(resp.StatusCode)
	switch {
	case resp.StatusCode/100 != 2:
		a.Outcome = job.Failed
		if resp.StatusCode == http.StatusGone {
			a.Outcome = job.Gone
		}
		a.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
		return a
	case err == nil || errors.Is(err, io.EOF):
		a.Outcome = job.Delivered
		return a
	default:
		a = e.failed(ctx, deadline, err)
		a.Status = resp.StatusCode
		return a
	}
}

// judged is the answer with a status, without what came of it.
func (e *Endpoint) judged(status int) job.Answer {
	text := strconv.Itoa(status)
	return job.Answer{Status: status, Code: "http_" + text, Detail: "POST " + e.shown + ": " + text + " " + http.StatusText(status)}
}
