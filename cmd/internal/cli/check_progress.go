package cli

import (
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/masixun71/cupid-go/pkg/app"
)

// progress shows how far a check is: a bar on a terminal, a line every few
// seconds elsewhere. Log lines are written through it, between two bars.
type progress struct {
	out      io.Writer
	terminal bool

	mu      sync.Mutex
	bar     *progressbar.ProgressBar
	what    string // in hand: destination and phase
	began   time.Time
	already uint64 // done by an earlier run
	said    time.Time
}

func newProgress(out io.Writer) *progress {
	return &progress{out: out, terminal: isTerminal(out)}
}

// Write passes log lines on without leaving half a bar behind.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // only for the eye
	}
	return p.out.Write(text)
}

func (p *progress) show(job, destination string, now app.CheckProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what := job + " → " + destination + ": " + string(now.Phase)
	fresh := what != p.what
	if fresh {
		p.finish()
		p.what, p.began, p.already, p.said = what, time.Now(), now.Done, time.Now()
	}
	if p.terminal {
		p.draw(now)
		return
	}
	const every = 5 * time.Second
	if fresh || time.Since(p.said) >= every {
		p.said = time.Now()
		fmt.Fprintln(p.out, p.line(now))
	}
}

// units are what the phases count.
var units = map[app.CheckPhase]string{app.Comparing: "rows", app.Listing: "passes", app.Confirming: "keys"}

// draw moves the bar.
func (p *progress) draw(now app.CheckProgress) {
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(p.out), progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(units[now.Phase]),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	// Statistics may say fewer rows than there are; a full bar would end.
	p.bar.ChangeMax64(int64(min(max(now.Of, now.Done+1), math.MaxInt64)))
	p.bar.Describe(p.what + suspects(now))
	_ = p.bar.Set64(int64(min(now.Done, math.MaxInt64))) // only for the eye
}

// line is the progress in words.
func (p *progress) line(now app.CheckProgress) string {
	text := p.what
	if now.Of > 0 {
		text += fmt.Sprintf(" %d of about %d %s", now.Done, now.Of, units[now.Phase])
	}
	took := time.Since(p.began).Seconds()
	if rate := float64(now.Done-min(now.Done, p.already)) / max(took, 0.001); rate > 0 && took > 1 {
		text += fmt.Sprintf(", %.0f %s/s", rate, units[now.Phase])
		if now.Of > now.Done {
			left := time.Duration(float64(now.Of-now.Done) / rate * float64(time.Second))
			text += fmt.Sprintf(", about %s left", left.Round(time.Second))
		}
	}
	return text + suspects(now)
}

func suspects(now app.CheckProgress) string {
	if now.Suspects == 0 {
		return ""
	}
	return fmt.Sprintf(", %d differ at first sight", now.Suspects)
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finish()
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Clear() // only for the eye
		p.bar = nil
	}
}
