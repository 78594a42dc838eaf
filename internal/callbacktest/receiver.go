// Package callbacktest is the receiver of callbacks in tests: it records what comes and answers as told.
package callbacktest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/masixun71/cupid-go/internal/eventually"
)

// Body is a callback body in the seed form.
type Body struct {
	Type      int                `json:"type"`
	SrcColumn map[string]*string `json:"srcColumn"` // nil for NULL
}

// Value is a column as text; "" for NULL and for a column that is not there.
func (b Body) Value(column string) string {
	if v := b.SrcColumn[column]; v != nil {
		return *v
	}
	return ""
}

// Request is one request as it came.
type Request struct {
	N      int // 1 for the first
	At     time.Time
	Method string
	Path   string // with the query
	Header http.Header
	Raw    []byte
	Body   Body // zero when Raw is not in the seed form
}

// Reply is what to answer, and when.
type Reply struct {
	Status int // 0 is 200
	Header http.Header
	Body   string
	Delay  time.Duration // before the answer
	// Hang gives no answer at all, until the caller gives up or the test ends.
	Hang bool
}

// Behavior decides the reply to the n-th request, counted from 1. It is called
// by many requests at once.
type Behavior func(n int, body Body) Reply

// Key names what a callback is about.
type Key struct {
	ID   string
	Type int
}

// Receiver is a running HTTP server.
type Receiver struct {
	URL string // for example "http://127.0.0.1:12345"

	ended chan struct{} // lets the hanging requests go

	mu       sync.Mutex
	behavior Behavior
	received []Request
	watch    func(n, status int)
}

// New starts a receiver that behaves so; nil answers 200 to everything. It
// ends with t.
func New(t testing.TB, behavior Behavior) *Receiver {
	t.Helper()
	r := &Receiver{ended: make(chan struct{})}
	r.Behave(behavior)
	server := httptest.NewServer(http.HandlerFunc(r.serve))
	r.URL = server.URL
	t.Cleanup(func() {
		close(r.ended)
		server.CloseClientConnections() // idle ones of clients that do not close theirs
		server.Close()
	})
	return r
}

// Behave changes the behavior from the next request on.
func (r *Receiver) Behave(behavior Behavior) {
	if behavior == nil {
		behavior = Always(http.StatusOK)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behavior = behavior
}

// Watch has f hear of each answer that is about to be given.
func (r *Receiver) Watch(f func(n, status int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch = f
}

func (r *Receiver) serve(w http.ResponseWriter, incoming *http.Request) {
	raw, err := io.ReadAll(incoming.Body)
	if err != nil {
		return // cut off on the way: it never came
	}
	request := Request{
		At:     time.Now(),
		Method: incoming.Method,
		Path:   incoming.URL.RequestURI(),
		Header: incoming.Header.Clone(),
		Raw:    raw,
	}
	if err := json.Unmarshal(raw, &request.Body); err != nil {
		request.Body = Body{}
	}
	n, behavior := r.record(request)
	r.answer(w, incoming, n, behavior(n, request.Body))
}

func (r *Receiver) record(request Request) (n int, behavior Behavior) {
	r.mu.Lock()
	defer r.mu.Unlock()
	request.N = len(r.received) + 1
	r.received = append(r.received, request)
	return request.N, r.behavior
}

func (r *Receiver) answer(w http.ResponseWriter, incoming *http.Request, n int, reply Reply) {
	var due <-chan time.Time // nil: never
	if !reply.Hang {
		due = time.After(reply.Delay)
	}
	select {
	case <-due:
	case <-incoming.Context().Done():
		return
	case <-r.ended:
		return
	}
	r.mu.Lock()
	watch := r.watch
	r.mu.Unlock()
	if watch != nil {
		watch(n, max(reply.Status, http.StatusOK))
	}
	maps.Copy(w.Header(), reply.Header)
	w.WriteHeader(max(reply.Status, http.StatusOK))
	_, _ = io.WriteString(w, reply.Body) // the caller may be gone
}

// Received is every request so far, in the order in which they came.
func (r *Receiver) Received() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.received)
}

// Count is how many requests came.
func (r *Receiver) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.received)
}

// Counts is how many requests came for each value of the column and type.
func (r *Receiver) Counts(column string) map[Key]int {
	counts := map[Key]int{}
	for _, request := range r.Received() {
		counts[Key{request.Body.Value(column), request.Body.Type}]++
	}
	return counts
}

// WaitFor waits until at least n requests came.
func (r *Receiver) WaitFor(t testing.TB, n int, limit time.Duration) []Request {
	t.Helper()
	eventually.Until(t, limit, func() bool { return r.Count() >= n }, strconv.Itoa(n)+" callbacks")
	return r.Received()
}

// Reset forgets every request; the next one is number 1.
func (r *Receiver) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received = nil
}
