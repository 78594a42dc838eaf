// Package callback makes one HTTP delivery and says what its answer means.
package callback

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
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

	userAgent = "cupid"
)

// Endpoint is a receiver of callbacks. It is safe for concurrent use.
type Endpoint struct {
	url       *url.URL // without user info
	shown     string   // for logs: without user info and query
	body      body
	headers   http.Header // besides those of each delivery
	timeout   time.Duration
	signer    signer
	transport *http.Transport
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
	transport, err := newTransport(cmp.Or(c.Concurrency, defaultConcurrency), c.Connect)
	if err != nil {
		return nil, err
	}
	e := &Endpoint{
		body:      body{form, c.MaxBytes},
		headers:   headersOf(c.Connect, u.User),
		timeout:   cmp.Or(c.Timeout, defaultTimeout),
		signer:    sign,
		transport: transport,
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	e.url = u
	e.shown = u.Scheme + "://" + u.Host + u.EscapedPath()
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
func (e *Endpoint) Close() { e.transport.CloseIdleConnections() }

// Send makes one POST and waits for its answer, at most for the endpoint's
// time-out, which covers the connecting and the whole answer. A ctx that ends
// earlier, by cancel or deadline, is a stop.
func (e *Endpoint) Send(ctx context.Context, r job.Delivery) job.Answer {
	req, err := e.request(r) // a row of many megabytes takes its time, which is not the receiver's
	if err != nil {
		return job.Answer{Outcome: job.NotSent, Code: "request", Detail: fmt.Sprintf("POST %s: %v", e.shown, err)}
	}
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, e.timeout, errTimeout)
	defer cancel()
	a := e.exchange(ctx, req)
	a.Took = time.Since(start)
	return a
}

// exchange uses the transport itself: a client would also read the address of
// a redirect that it is told not to follow, and fail on a bad one.
func (e *Endpoint) exchange(ctx context.Context, req *http.Request) job.Answer {
	var t trace
	resp, err := e.transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, t.hooks())))
	if err != nil {
		return e.failed(ctx, err, &t)
	}
	defer resp.Body.Close()
	return e.answered(ctx, resp)
}

// answered judges a status. A 2xx counts once its body has arrived: a receiver
// may send the status before its work and die in the middle of it.
func (e *Endpoint) answered(ctx context.Context, resp *http.Response) job.Answer {
	var err error
	if resp.StatusCode != http.StatusSwitchingProtocols { // what follows that is no body, and no ctx ends it
		_, err = io.CopyN(io.Discard, resp.Body, drainBytes)
	}
	a := job.Answer{
		Status: resp.StatusCode,
		Code:   "http_" + strconv.Itoa(resp.StatusCode),
		Detail: "POST " + e.shown + ": " + strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode),
	}
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
		a = e.failed(ctx, err, &trace{connected: true})
		a.Status = resp.StatusCode
		return a
	}
}

// request takes the address as it was parsed once, and makes the headers in one
// piece: both are the same for thousands of requests a second, but for a few values.
func (e *Endpoint) request(r job.Delivery) (*http.Request, error) {
	body, leftOut, err := e.body.encode(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(http.MethodPost, "", bytes.NewReader(body)) //nolint:noctx // it gets one when it is sent
	if err != nil {
		return nil, errors.New("the request cannot be made")
	}
	const always, most = 7, 9 // headers of its own
	h, values := make(http.Header, len(e.headers)+always), make([]string, 0, most)
	set := func(name, value string) {
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	maps.Copy(h, e.headers)
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	set("Content-Type", "application/json")
	set("User-Agent", userAgent)
	set("Cupid-Job", r.Job)
	set("Cupid-Destination", r.Destination)
	set("Cupid-Attempt", strconv.Itoa(r.Attempt))
	if len(leftOut) > 0 {
		set("Cupid-Left-Out", strconv.Itoa(len(leftOut)))
	}
	set("Webhook-Id", r.WebhookID)
	set("Webhook-Timestamp", timestamp)
	if signature := e.signer.sign(r.WebhookID, timestamp, body); signature != "" {
		set("Webhook-Signature", signature)
	}
	req.URL, req.Host, req.Header = e.url, e.url.Host, h
	return req, nil
}
