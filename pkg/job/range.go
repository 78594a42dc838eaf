package job

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Scan is what makes ranges. It is part of a range's id, so that a second look
// at the same rows is never mistaken for the first.
type Scan string

// The scans. A rescan that an operator asks for is "rescan-<n>".
const (
	Insert     Scan = "insert"
	InsertLate Scan = "insert-late"
	Update     Scan = "update"
	UpdateLate Scan = "update-late"
	Audit      Scan = "audit"
)

var scanForm = regexp.MustCompile(`^(insert|insert-late|update|update-late|audit|rescan-[1-9][0-9]{0,17})$`)

// Late is the scan that passes s a second time, for rows that were committed late.
func (s Scan) Late() Scan { return s + "-late" }

// Rescan is the scan of an operator who wants ranges looked at again; n, from 1,
// tells one such wish from another.
func Rescan(n int64) Scan { return Scan("rescan-" + strconv.FormatInt(n, 10)) }

// Kind is the scan without the number of a rescan, for metrics.
func (s Scan) Kind() string {
	if strings.HasPrefix(string(s), "rescan-") {
		return "rescan"
	}
	return string(s)
}

// Shard is one physical source table: the name of its DSN and the table.
type Shard struct{ Database, Table string }

// String is "db.user", percent-encoded where a name holds other characters.
func (s Shard) String() string { return escape(s.Database) + "." + escape(s.Table) }

// ParseShard is the inverse of String.
func ParseShard(s string) (Shard, error) {
	d, t, ok := strings.Cut(s, ".")
	if !ok {
		return Shard{}, fmt.Errorf("shard %q: want <database>.<table>", s)
	}
	database, err := unescape(d)
	if err != nil {
		return Shard{}, fmt.Errorf("shard %q: %w", s, err)
	}
	table, err := unescape(t)
	if err != nil {
		return Shard{}, fmt.Errorf("shard %q: %w", s, err)
	}
	return Shard{Database: database, Table: table}, nil
}

// Range is one piece of scan work: the rows of Shard in (After, UpTo].
type Range struct {
	Scan        Scan
	Shard       Shard
	After, UpTo Point
}

// ID says all that is needed to run the range: "insert:db.user:1000..2000".
func (r Range) ID() string {
	return string(r.Scan) + ":" + r.Shard.String() + ":" + r.After.String() + ".." + r.UpTo.String()
}

// ParseRange is the inverse of ID.
func ParseRange(id string) (Range, error) {
	scan, rest, ok := strings.Cut(id, ":")
	if !ok || !scanForm.MatchString(scan) {
		return Range{}, fmt.Errorf("range %q: want <scan>:<database>.<table>:<after>..<upto>, with a known scan", id)
	}
	shard, ends, ok := strings.Cut(rest, ":")
	if !ok {
		return Range{}, fmt.Errorf("range %q: the ends are missing", id)
	}
	after, upto, ok := strings.Cut(ends, "..")
	if !ok {
		return Range{}, fmt.Errorf("range %q: the ends are not divided by \"..\"", id)
	}
	r := Range{Scan: Scan(scan)}
	var err error
	if r.Shard, err = ParseShard(shard); err != nil {
		return Range{}, fmt.Errorf("range %q: %w", id, err)
	}
	if r.After, err = ParsePoint(after); err != nil {
		return Range{}, fmt.Errorf("range %q: lower end: %w", id, err)
	}
	if r.UpTo, err = ParsePoint(upto); err != nil {
		return Range{}, fmt.Errorf("range %q: upper end: %w", id, err)
	}
	if !r.After.Open() && !r.UpTo.Open() && r.After.Timed() != r.UpTo.Timed() {
		return Range{}, fmt.Errorf("range %q: one end is a time, the other a key", id)
	}
	return r, nil
}
