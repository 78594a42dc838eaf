package callback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/masixun71/cupid-go/pkg/job"
)

// errTimeout is the cause of a context that the endpoint's own time-out ended.
var errTimeout = errors.New("no answer within the time-out")

// failed judges an exchange without a (whole) answer. What the transport says
// once it is connected is not repeated, for it may quote the answer.
func (e *Endpoint) failed(ctx context.Context, err error, t *trace) job.Answer {
	a := job.Answer{Outcome: job.Unknown}
	timedOut := errors.Is(context.Cause(ctx), errTimeout)
	var why string
	switch connected := t.isConnected(); {
	case ctx.Err() != nil && !timedOut:
		a.Code, why = "stopped", "stopped while waiting for the answer"
	case timedOut && connected:
		a.Code, why = "timeout", fmt.Sprintf("no answer within %s", e.timeout)
	case timedOut:
		a.Outcome, a.Code, why = job.NotSent, "connect_timeout", fmt.Sprintf("no connection within %s", e.timeout)
	case connected:
		a.Code, why = "cut", unfinished(err)
	default:
		a.Outcome = job.NotSent
		a.Code, why = unconnected(err, t)
	}
	a.Detail = "POST " + e.shown + ": " + why
	return a
}

// unfinished names why an answer broke off. The transport tells it in words only.
func unfinished(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "malformed"):
		return "what came is no answer of HTTP/1.1"
	case strings.Contains(text, "headers exceeded"):
		return "the answer's headers are larger than " + strconv.Itoa(headerBytes>>10) + " KiB"
	default:
		return "the connection was cut before the answer was complete"
	}
}

// unconnected names why there was no connection.
func unconnected(err error, t *trace) (code, why string) {
	var dns *net.DNSError
	var op *net.OpError
	var forbidden *forbiddenError
	switch {
	case errors.As(err, &forbidden):
		return "forbidden", forbidden.Error() + ": it is link-local, a cloud's metadata, or in none of callback.networks"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused", "connection refused"
	case errors.As(err, &dns):
		return "dns", "host name not found: " + dns.Err
	case t.tlsError() != nil:
		return "tls", "TLS handshake failed: " + t.tlsError().Error()
	case errors.As(err, &op) && op.Op == "dial":
		return "unreachable", "not reachable: " + op.Err.Error()
	default:
		return "connect", "no connection"
	}
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
