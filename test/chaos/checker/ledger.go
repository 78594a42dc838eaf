package checker

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/masixun71/cupid-go/pkg/job"
)

// Ledger is what the append-only file tells of a job's ranges.
type Ledger struct {
	Claims, Ranges int // claims that pushed ranges, and those ranges
	Late           int // ranges of late passes
	Falls          int // times that an insert cursor went back
	Splits         int
	Runs           int // times that a range was leased to a worker
	Acks           int
	Violations     []string

	prefix  string // "cupid:{db.user}:"
	cursors map[string]string
	claimed map[string]string // range id → scan:shard that claimed it since its cursor last fell
	owed    map[string]bool   // range id → compared
}

// ReadLedger reads the append-only files in dir, from the job's beginning on.
func ReadLedger(dir, prefix, name string) (*Ledger, error) {
	l := &Ledger{
		prefix: prefix + "{" + name + "}:", cursors: map[string]string{}, claimed: map[string]string{}, owed: map[string]bool{},
	}
	if err := readAOF(dir, l.step); err != nil {
		return nil, err
	}
	for id, done := range l.owed {
		if !done {
			l.violation("range %s was claimed and never compared to its end", id)
		}
	}
	return l, nil
}

func (l *Ledger) violation(format string, args ...any) {
	l.Violations = append(l.Violations, fmt.Sprintf(format, args...))
}

// step looks at what happened at once.
func (l *Ledger) step(t transaction) {
	var pushed, unleased, samples []string
	var cursor, counted bool
	var scan, to string
	for _, c := range t {
		switch {
		case is(c, l.prefix+"cursor", "HSET", "HMSET") && len(c) == 4:
			cursor, scan, to = true, c[2], c[3]
		case is(c, l.prefix+"ranges", "LPUSH", "RPUSH"):
			pushed = append(pushed, c[2:]...)
		case is(c, l.prefix+"ranges:leased", "ZREM"):
			unleased = append(unleased, c[2:]...)
		case len(c) > 3 && strings.HasPrefix(c[1], l.prefix+"range:") && strings.EqualFold(c[0], "HSET") && c[2] == "token":
			l.Runs++
		case is(c, l.prefix+"samples", "ZREM"):
			samples = append(samples, c[2:]...)
		case is(c, l.prefix+"stats", "HINCRBY") && c[2] == "ranges":
			counted = true
		}
	}
	switch {
	case cursor:
		l.claim(scan, to, pushed)
	case len(samples) == 1:
		l.late(samples[0], pushed, t)
	case len(unleased) == 1 && counted:
		l.ack(unleased[0])
	case len(unleased) == 1 && len(pushed) > 0 && pushed[0] != unleased[0]:
		l.split(unleased[0], pushed)
	}
}

// claim checks that the ranges lie between the old and the new cursor, edge to edge.
func (l *Ledger) claim(scan, to string, ids []string) {
	from, known := l.cursors[scan]
	l.cursors[scan] = to
	if len(ids) == 0 {
		l.moved(scan, from, to)
		return
	}
	l.Claims++
	l.Ranges += len(ids)
	first, last := l.tiles(ids)
	if known && first != from {
		l.violation("%s: the cursor stood at %s, the claim begins at %s", scan, from, first)
	}
	if last != to {
		l.violation("%s: the cursor went to %s, the claim ends at %s", scan, to, last)
	}
	for _, id := range ids {
		if _, twice := l.claimed[id]; twice {
			l.violation("range %s was claimed twice", id)
		}
		l.claimed[id] = scan
		l.owed[id] = false
	}
}

// moved checks a cursor that moved without ranges: one of keys may only fall.
func (l *Ledger) moved(scan, from, to string) {
	if !strings.HasPrefix(scan, string(job.Insert)+":") {
		return
	}
	a, okA := new(big.Int).SetString(from, 10)
	b, okB := new(big.Int).SetString(to, 10)
	if okA && okB && b.Cmp(a) > 0 {
		l.violation("%s: the cursor went from %s to %s without a range", scan, from, to)
		return
	}
	l.Falls++
	for id, by := range l.claimed {
		if by == scan {
			delete(l.claimed, id)
		}
	}
}

// late checks that the ranges cover the sample, but for the rest that is kept.
func (l *Ledger) late(sample string, ids []string, t transaction) {
	s, err := job.ParseRange(sample)
	if err != nil {
		l.violation("sample: %v", err)
		return
	}
	at := text(s.After)
	if len(ids) > 0 {
		first, last := l.tiles(ids)
		if first != at {
			l.violation("late pass of %s begins at %s", sample, first)
		}
		at = last
	}
	for _, c := range t {
		if is(c, l.prefix+"samples", "ZADD") && len(c) == 4 {
			rest, err := job.ParseRange(c[3])
			if err != nil || text(rest.After) != at {
				l.violation("late pass of %s ends at %s, and %s is left: %v", sample, at, c[3], err)
				return
			}
			at = text(rest.UpTo)
		}
	}
	if at != text(s.UpTo) {
		l.violation("late pass of %s ends at %s", sample, at)
	}
	l.Late += len(ids)
	for _, id := range ids {
		l.owed[id] = false
	}
}

func (l *Ledger) ack(id string) {
	l.Acks++
	if done, known := l.owed[id]; !known {
		l.violation("range %s was compared, but nobody claimed it", id)
	} else if !done {
		l.owed[id] = true
	}
}

func (l *Ledger) split(id string, parts []string) {
	r, err := job.ParseRange(id)
	if err != nil {
		l.violation("split: %v", err)
		return
	}
	l.Splits++
	if first, last := l.tiles(parts); first != text(r.After) || last != text(r.UpTo) {
		l.violation("range %s was divided into %s..%s", id, first, last)
	}
	l.owed[id] = true
	for _, part := range parts {
		l.owed[part] = false
	}
}

// tiles gives both ends of ranges that must lie edge to edge.
func (l *Ledger) tiles(ids []string) (first, last string) {
	for i, id := range ids {
		r, err := job.ParseRange(id)
		if err != nil {
			l.violation("%v", err)
			continue
		}
		if i == 0 {
			first = text(r.After)
		} else if text(r.After) != last {
			l.violation("range %s does not begin at %s, where the one before it ends", id, last)
		}
		last = text(r.UpTo)
	}
	return first, last
}

func text(p job.Point) string { return p.UTC().String() }
