package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/masixun71/cupid-go/pkg/broker"
	"github.com/masixun71/cupid-go/pkg/config"
	"github.com/masixun71/cupid-go/pkg/table"
)

// Level says how bad a finding is.
type Level string

// The levels.
const (
	FoundOK        Level = "ok"
	FoundWarning   Level = "warning"
	FoundProblem   Level = "problem"
	FoundUnchecked Level = "not checked" // what it depends on has a problem
)

// Finding is what a check found, and what to do about it.
type Finding struct {
	Level Level  `json:"level"`
	Check string `json:"check"`
	Where string `json:"where"`
	What  string `json:"what"`
	Mend  string `json:"mend,omitempty"`
}

// The checks.
const (
	CheckConfig      = "config"
	CheckReach       = "reach"
	CheckClock       = "clock"
	CheckReplica     = "replica"
	CheckTransaction = "transactions"
	CheckTables      = "tables"
	CheckUpdateTime  = "update time"
	CheckRedis       = "redis"
	CheckFleet       = "fleet"
	CheckReceiver    = "receiver"
	CheckFiles       = "files"
)

// DoctorOptions stand for the world around this process; zeroes are the real one.
type DoctorOptions struct {
	Now func() time.Time
	// Free is how many bytes a file system has left for this user.
	Free func(dir string) (uint64, error)
	// Patience bounds each check; 0 is 20 s.
	Patience time.Duration
}

// Doctor checks all that a config names, changes nothing, and goes on where a
// check fails. Findings stand in the order of the config.
func Doctor(ctx context.Context, c *config.Config, o DoctorOptions) []Finding {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Free == nil {
		o.Free = freeBytes
	}
	o.Patience = cmp.Or(o.Patience, 20*time.Second)
	d := &doctor{c: c, o: o}
	if c.Redis != nil {
		d.broker = broker.Open(*c.Redis, broker.Options{Name: "cupid-doctor"})
		defer d.broker.Close() //nolint:errcheck // nothing was written
	}
	findings := d.file()
	findings = append(findings, d.together(ctx, d.databases())...)
	var rest []look
	for _, j := range c.Jobs {
		rest = append(rest, func(ctx context.Context) []Finding { return d.tables(ctx, j) })
	}
	rest = append(rest, d.redis)
	rest = append(rest, d.receivers()...)
	rest = append(rest, d.files)
	return append(findings, d.together(ctx, rest)...)
}

// doctor is one Doctor in progress.
type doctor struct {
	c *config.Config
	o DoctorOptions

	broker *broker.Broker // nil without a Redis

	mu      sync.Mutex
	account map[string]string // by the DSN of each database that answers
}

// look is one check, or some that go together.
type look = func(context.Context) []Finding

// together runs checks side by side, each within a bound, and keeps their order.
func (d *doctor) together(ctx context.Context, checks []look) []Finding {
	const atOnce = 8
	found := make([][]Finding, len(checks))
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, d.o.Patience)
			defer cancel()
			found[i] = check(ctx)
		})
	}
	all.Wait()
	return slices.Concat(found...)
}

// file passes on what the reader of the file found.
func (d *doctor) file() (all []Finding) {
	for _, bad := range d.c.Bad {
		for _, m := range bad.Err.Mistakes {
			all = append(all, Finding{FoundProblem, CheckConfig, "job " + bad.Name, m.String(), "correct " + d.c.Path + "; the job does not run"})
		}
	}
	for _, w := range d.c.Warnings {
		all = append(all, Finding{FoundWarning, CheckConfig, d.c.Path, w, ""})
	}
	if len(all) == 0 {
		all = append(all, Finding{FoundOK, CheckConfig, d.c.Path, fmt.Sprintf("it is understood; %d job(s)", len(d.c.Jobs)), ""})
	}
	return all
}

// clock judges another host's clock, which was read between two looks at this
// one's. People correct clocks by the minute; what is less, networks do.
func (d *doctor) clock(where string, theirs, before, after time.Time) Finding {
	const worth, bad = 2 * time.Second, time.Minute
	off := max(before.Sub(theirs), theirs.Sub(after), 0).Round(time.Millisecond)
	f := Finding{Level: FoundOK, Check: CheckClock, Where: where, What: "its clock and that of this host agree"}
	if off < worth {
		return f
	}
	f.Level = FoundWarning
	if off >= bad {
		f.Level = FoundProblem
	}
	side := "ahead of"
	if theirs.Before(before) {
		side = "behind"
	}
	f.What = fmt.Sprintf("its clock is %s %s that of this host", off, side)
	f.Mend = "run date -u on both, and timedatectl set-ntp true where it is wrong; receivers refuse signatures whose time is off by minutes"
	return f
}

// problems are those of a *table.ConfigError; none for any other error.
func problems(err error) []table.Problem {
	if mistake, is := errors.AsType[*table.ConfigError](err); is {
		return mistake.Problems
	}
	return nil
}

// firstLine keeps a finding in one line.
func firstLine(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
