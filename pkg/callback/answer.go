package callback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

var (
	errHeaders = errors.New("headers are too long")
	errInterim = errors.New("too many interim answers")
	errStatus  = errors.New("malformed status code") // which the library takes, below 100
)

// stopped reports whether the process ended an exchange, and not its time-out.
func stopped(ctx context.Context, deadline time.Time) bool {
	return ctx.Err() != nil && time.Now().Before(deadline)
}

// failed judges an exchange without a (whole) answer. What the library says of
// it is not repeated, for it may quote the answer.
func (e *Endpoint) failed(ctx context.Context, deadline time.Time, err error) job.Answer {
	a := job.Answer{Outcome: job.Unknown}
	var why string
	switch {
	case stopped(ctx, deadline):
		a.Code, why = "stopped", "stopped while waiting for the answer"
	case errors.Is(err, os.ErrDeadlineExceeded):
		a.Code, why = "timeout", fmt.Sprintf("no answer within %s", e.timeout)
	default:
		a.Code, why = "cut", unfinished(err)
	}
	a.Detail = "POST " + e.shown + ": " + why
	return a
}

// unfinished names why an answer broke off. The library tells it in words only.
func unfinished(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "malformed"):
		return "what came is no answer of HTTP/1.1"
	case errors.Is(err, errInterim):
		return "only interim answers (1xx) came"
	case errors.Is(err, errHeaders):
		return "the answer's headers are larger than " + strconv.Itoa(headerBytes>>10) + " KiB"
	default:
		return "the connection was cut before the answer was complete"
	}
}

// unconnected judges an exchange for which there was no connection: nothing was sent.
func (e *Endpoint) unconnected(ctx context.Context, deadline time.Time, err error) job.Answer {
	a := job.Answer{Outcome: job.NotSent}
	var why string
	var dns *net.DNSError
	var op *net.OpError
	var forbidden *forbiddenError
	var handshake *handshakeError
	var proxy *proxyError
	switch {
	case stopped(ctx, deadline):
		a.Code, why = "stopped", "stopped while connecting"
	case !time.Now().Before(deadline):
		a.Code, why = "connect_timeout", fmt.Sprintf("no connection within %s", e.timeout)
	case errors.As(err, &forbidden):
		a.Code, why = "forbidden", forbidden.Error()+": it is link-local, a cloud's metadata, or in none of callback.networks"
	case errors.Is(err, syscall.ECONNREFUSED):
		a.Code, why = "refused", "connection refused"
	case errors.As(err, &dns):
		a.Code, why = "dns", "host name not found: "+dns.Err
	case errors.As(err, &handshake):
		a.Code, why = "tls", "TLS handshake failed: "+handshake.Error()
	case errors.As(err, &proxy):
		a.Code, why = "connect", proxy.Error()
	case errors.As(err, &op) && op.Op == "dial":
		a.Code, why = "unreachable", "not reachable: "+op.Err.Error()
	default:
		a.Code, why = "connect", "no connection"
	}
	a.Detail = "POST " + e.shown + ": " + why
	return a
}

// maxRetryAfter bounds what a receiver can ask for; it also keeps the
// arithmetic from overflowing.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads both forms of the header: seconds, and a date.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
