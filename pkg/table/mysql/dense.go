package mysql

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// density tells whether the next stretch likely has a row for every number, so
// that the place of a hash in a packed text says whose it is: to write the number
// down as well costs a fifteenth of the query. A stretch that was wrongly held for
// dense is read twice; each time, twice as many dense ones have to come before the
// next such guess. Safe for concurrent use.
type density struct {
	mu sync.Mutex
	// dense stretches have come one after the other; a guess wants wanted more than one.
	dense, wanted int
}

func (d *density) likely() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dense > d.wanted
}

// saw notes how the stretch was.
func (d *density) saw(dense bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dense++; !dense {
		d.dense = 0
	}
}

// wrong notes a stretch that was not as dense as it seemed likely.
func (d *density) wrong() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dense, d.wanted = 0, 2*d.wanted+1
}

// denseMarks are marks, where it is likely by the place of each row.
func (s *Side) denseMarks(ctx context.Context, into []diff.Mark, i identity, where string) ([]diff.Mark, error) {
	if !s.packable(i) || !s.inOrder() || i.numbers() > packBytes/strongBytes {
		return s.marks(ctx, into, i, where)
	}
	if s.dense.likely() {
		found, all, err := s.packedMarks(ctx, into, i.byPlace(), where)
		if err != nil || all {
			return found, err
		}
		s.dense.wrong()
	}
	found, err := s.marks(ctx, into, i, where)
	if err == nil {
		s.dense.saw(i.consecutive(found[len(into):]))
	}
	return found, err
}

// inOrder reports whether the rows of a range come in the order of their keys
// without being asked for it.
func (s *Side) inOrder() bool {
	return s.schema.sequential && s.order.index == primary && s.filter == ""
}

// numbers are how many IDs there may be.
func (i identity) numbers() uint64 { return i.last - i.first + 1 }

// byPlace is the identity of rows that have all numbers.
func (i identity) byPlace() identity {
	i.form, i.size, i.rows = byPlace, 0, strconv.FormatUint(i.numbers(), 10)
	return i
}

// consecutive reports whether marks have all numbers, in their order.
func (i identity) consecutive(marks []diff.Mark) bool {
	if uint64(len(marks)) != i.numbers() {
		return false
	}
	for n, m := range marks {
		if m.ID != i.first+uint64(n) {
			return false
		}
	}
	return true
}

// sequentially reports whether a range of a table's primary key is read in the
// order of the key without being asked for it: by InnoDB, of the servers that read
// with one thread. Partitions come one after the other.
func (d *Database) sequentially(ctx context.Context, table string) (bool, error) {
	rows, err := d.rows(ctx, "read the engine of "+table,
		"SELECT ENGINE, CREATE_OPTIONS, VERSION() FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", d.name, table)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	engine, options, version := string(rows[0][0]), strings.ToLower(string(rows[0][1])), string(rows[0][2])
	return engine == "InnoDB" && !strings.Contains(options, "partitioned") && !strings.Contains(options, "secondary_engine") &&
		oneThread.MatchString(version), nil
}

// oneThread are the versions of MySQL, Percona Server and MariaDB. Others that
// call their engine InnoDB read with many threads, or on many hosts.
var oneThread = regexp.MustCompile(`^\d+\.\d+\.\d+(-\d+)*(-log|-debug|-\dubuntu.*)?$|-MariaDB\b`)
