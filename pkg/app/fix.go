package app

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/masixun71/cupid-go/pkg/check"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// fixer writes the statements that would make a destination equal. It executes
// none of them. Deletes come first, then updates, then inserts: each may free a
// unique value that one behind it takes.
type fixer struct {
	out              io.Writer // nil: nothing is wanted
	pairing          *mysql.Pairing
	updates, inserts spool
}

func newFixer(out io.Writer, dir string, pairing *mysql.Pairing) *fixer {
	return &fixer{out: out, pairing: pairing, updates: spool{dir: dir}, inserts: spool{dir: dir}}
}

// FixHeader begins a file of statements.
const FixHeader = `-- What would make the destinations equal to their sources, as cupid check read
-- them. Nothing of this was executed. Review it, and run it on each destination's
-- server: mysql DATABASE < FILE. Rows may have changed since; check again behind it.
` + mysql.FixPreamble

func (f *fixer) begin(job, destination string) error {
	return f.print("\n-- job " + oneLine(job) + ", destination " + oneLine(destination) + "\n")
}

// add writes the statement for one finding.
func (f *fixer) add(found check.Finding) error {
	if f.out == nil {
		return nil
	}
	comment := string(found.Kind)
	if len(found.Columns) > 0 {
		comment += ": " + oneLine(strings.Join(found.Columns, ", "))
	}
	statement, ok := f.statement(found)
	if !ok {
		key := checkedKey(found, len(f.pairing.Relation().By)).Key
		return f.print("-- key " + oneLine(key) + ", " + comment + ": to be looked at by a person\n")
	}
	return f.printTo(f.part(found.Kind), statement+" -- "+comment+"\n")
}

// part is where the statement for a kind of finding goes.
func (f *fixer) part(kind check.Kind) io.Writer {
	switch kind {
	case check.Different, check.Respelled:
		return &f.updates
	case check.Missing:
		return &f.inserts
	default:
		return f.out
	}
}

func (f *fixer) statement(found check.Finding) (string, bool) {
	switch found.Kind {
	case check.Missing:
		return f.pairing.InsertSQL(found.Source)
	case check.Different, check.Respelled:
		return f.pairing.UpdateSQL(found.Target, found.Columns, found.Source)
	case check.Extra:
		return f.pairing.DeleteSQL(found.Target)
	default:
		return "", false
	}
}

// flush writes what had to wait for its turn, and gives the disk back.
func (f *fixer) flush() error {
	err := f.updates.moveTo(f.out)
	if err == nil {
		err = f.inserts.moveTo(f.out)
	}
	return unwritten(errors.Join(err, f.updates.remove(), f.inserts.remove()))
}

// end says what the statements leave out.
func (f *fixer) end(r *check.Result) error {
	if n := r.Unconfirmed; n > 0 {
		return f.print(fmt.Sprintf("-- %d more rows differ and were not read: run this, then check again\n", n))
	}
	return nil
}

func (f *fixer) print(text string) error { return f.printTo(f.out, text) }

func (f *fixer) printTo(w io.Writer, text string) error {
	if f.out == nil {
		return nil
	}
	_, err := io.WriteString(w, text)
	return unwritten(err)
}

func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write the statements: %w", err)
}

// oneLine keeps a name from ending the comment that it stands in.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}
