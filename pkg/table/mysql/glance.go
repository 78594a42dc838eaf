package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// Bounds of a glance.
const (
	gatherTime = 5 * time.Millisecond // for others to join
	glanceSize = 100                  // questions at most
	glanceTime = time.Second          // until all ask alone
	alonePause = time.Minute          // for which they do so after a glance failed
)

// glance is a question whose answer is one value, read at the index alone. A hundred
// idle jobs ask a hundred of them every two seconds, so those that come in the same
// moment share a statement: the scans of a process tick together. Where it fails, as when
// one of the tables is locked or gone, each asks alone, and hears of its own table only.
func (d *Database) glance(ctx context.Context, operation string, question expression) (diff.Value, error) {
	if d.connector.glances.open(time.Now()) {
		if answer, err := d.together(ctx, question.literal()); err == nil || ctx.Err() != nil {
			return answer, err
		}
	}
	rows, err := d.rows(ctx, operation, "SELECT "+question.sql, question.args...)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("%s at %s: the server gave %d rows", operation, d.address, len(rows))
	}
	return rows[0][0], nil
}

// together asks in one statement with others.
func (d *Database) together(ctx context.Context, question string) (diff.Value, error) {
	g, n, first := d.connector.glances.join(ctx, question)
	defer context.AfterFunc(ctx, g.leave)()
	if first {
		d.answer(g)
	}
	select {
	case <-g.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if g.err != nil {
		return nil, g.err
	}
	return g.answers[n], nil
}

// answer waits for others to join, and asks for all. It ends with the last of those who wait.
func (d *Database) answer(g *glance) {
	defer close(g.done)
	defer g.cancel()
	gather := time.NewTimer(gatherTime)
	defer gather.Stop()
	select {
	case <-gather.C:
	case <-g.ctx.Done():
	}
	all := d.connector.glances.begin(g)
	neutral := *d // a mistake that one table brings is not that of the first who asked
	neutral.onMistake = nil
	rows, err := neutral.rows(g.ctx, "look at bounds", "SELECT "+strings.Join(all, ", "))
	switch {
	case err != nil:
		g.err = err
	case len(rows) != 1:
		g.err = fmt.Errorf("look at bounds at %s: the server gave %d rows", d.address, len(rows))
	default:
		g.answers = rows[0]
		return
	}
	if !errors.Is(err, context.Canceled) {
		d.connector.glances.failed(time.Now())
	}
}

// glance is one statement and those who wait for it.
type glance struct {
	ctx    context.Context //nolint:containedctx // of the statement, which belongs to no single one of them
	cancel context.CancelFunc
	done   chan struct{}

	mu        *sync.Mutex // of the glances
	questions []string
	waiting   int

	answers []diff.Value // once done
	err     error
}

// leave is called by one who waits no more.
func (g *glance) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting--; g.waiting == 0 {
		g.cancel()
	}
}

// glances are those of all who share connections.
type glances struct {
	mu    sync.Mutex
	next  *glance   // that others may join; nil when the next question begins one
	alone time.Time // until when all ask alone
}

// open reports whether questions may share a statement.
func (a *glances) open(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return now.After(a.alone)
}

// failed has all ask alone for a while.
func (a *glances) failed(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alone = now.Add(alonePause)
}

// join adds a question to the next glance, whose n-th it is; who is first has to have it answered.
func (a *glances) join(ctx context.Context, question string) (g *glance, n int, first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g = a.next
	if first = g == nil; first {
		g = &glance{mu: &a.mu, done: make(chan struct{})}
		g.ctx, g.cancel = context.WithTimeout(context.WithoutCancel(ctx), glanceTime)
		a.next = g
	}
	g.waiting++
	for n, asked := range g.questions {
		if asked == question {
			return g, n, false
		}
	}
	g.questions = append(g.questions, question)
	if len(g.questions) == glanceSize {
		a.next = nil
	}
	return g, len(g.questions) - 1, first
}

// begin ends the joining and gives the questions.
func (a *glances) begin(g *glance) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == g {
		a.next = nil
	}
	return g.questions
}
