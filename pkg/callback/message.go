package callback

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/masixun71/cupid-go/pkg/job"
)

// headOf is the beginning of each message to an endpoint. HTTP's own library
// writes it, once, with a Content-Length that each message has after it.
func headOf(to *url.URL, own http.Header, through *url.URL) ([]byte, error) {
	h := own.Clone()
	h.Set("User-Agent", "cupid")
	h.Set("Content-Type", "application/json")
	request := &http.Request{Method: http.MethodPost, URL: to, Host: to.Host, Header: h}
	write := request.Write
	if forwards(through, to) {
		maps.Copy(h, proxyAuth(through))
		write = request.WriteProxy
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return nil, errors.New("callback url cannot be asked for")
	}
	head := bytes.Replace(b.Bytes(), []byte("Content-Length: 0\r\n"), nil, 1)
	return bytes.TrimSuffix(head, []byte("\r\n")), nil
}

// message writes a whole request.
func (e *Endpoint) message(r job.Delivery, leftOut int, at time.Time, body []byte) []byte {
	const own = 512 // headers of a delivery, mostly
	b := make([]byte, 0, len(e.head)+own+len(body))
	header := func(name, value string) {
		b = append(b, name...)
		b = append(b, ": "...)
		b = append(b, value...)
		b = append(b, "\r\n"...)
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	b = append(b, e.head...)
	header("Cupid-Job", r.Job)
	header("Cupid-Destination", r.Destination)
	header("Cupid-Attempt", strconv.Itoa(r.Attempt))
	if leftOut > 0 {
		header("Cupid-Left-Out", strconv.Itoa(leftOut))
	}
	header("Webhook-Id", r.WebhookID)
	header("Webhook-Timestamp", timestamp)
	if signature := e.signer.sign(r.WebhookID, timestamp, body); signature != "" {
		header("Webhook-Signature", signature)
	}
	header("Content-Length", strconv.Itoa(len(body)))
	return append(append(b, "\r\n"...), body...)
}

// writable reports whether texts may stand in headers: what ends a line would
// let one that came out of Redis write headers of its own.
func writable(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return !httpguts.ValidHeaderFieldValue(text) })
}
