package checker

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Post is one line of the receiver's log.
type Post struct {
	At      time.Time `json:"at"`
	ID      string    `json:"id"`      // scan key
	Type    int       `json:"type"`    // 1 missing, 2 different
	Webhook string    `json:"webhook"` // the Webhook-Id
	Status  int       `json:"status"`  // what was answered; 0 for nothing
}

// Fault is one line of the log of what was broken: between its ends, answers may have been lost.
type Fault struct {
	Begin time.Time `json:"begin"`
	End   time.Time `json:"end"`
	What  string    `json:"what"`
}

// ReadLines reads one JSON value per line.
func ReadLines[T any](in io.Reader) ([]T, error) {
	var all []T
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(all)+1, err)
		}
		all = append(all, one)
	}
	return all, lines.Err()
}

// Posts is what the receiver's log tells.
type Posts struct {
	Posts, Webhooks, Repeated int
	Violations                []string
}

// after is how long a fault may be felt when it is over: the lease of a worker that
// was killed, and the time-out of what was in flight.
const after = 30 * time.Second

// CheckPosts holds the log against the bound: what was answered with success is sent
// again under the same Webhook-Id only when something was broken about then, so that
// the answer may have been lost; and no callback is sent more often than it failed, plus
// once, plus once per fault.
func CheckPosts(posts []Post, faults []Fault) Posts {
	r := Posts{Posts: len(posts)}
	type life struct {
		answered  time.Time // first success
		succeeded int
	}
	lives := map[string]*life{}
	for _, p := range posts {
		l := lives[p.Webhook]
		if l == nil {
			l = &life{}
			lives[p.Webhook] = l
		}
		if !l.answered.IsZero() {
			r.Repeated++
			if !broken(faults, l.answered.Add(-after), p.At) {
				r.Violations = append(r.Violations, fmt.Sprintf("callback %s of row %s was answered at %s and sent again at %s, though nothing was broken", p.Webhook, p.ID, l.answered, p.At))
			}
		}
		if p.Status >= 200 && p.Status < 300 {
			l.succeeded++
			if l.answered.IsZero() {
				l.answered = p.At
			}
		}
	}
	for id, l := range lives {
		if l.succeeded > 1+len(faults) {
			r.Violations = append(r.Violations, fmt.Sprintf("callback %s was answered with success %d times, with %d faults", id, l.succeeded, len(faults)))
		}
	}
	r.Webhooks = len(lives)
	return r
}

func broken(faults []Fault, from, to time.Time) bool {
	for _, f := range faults {
		if f.Begin.Before(to) && f.End.After(from) {
			return true
		}
	}
	return false
}
