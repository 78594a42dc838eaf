package app

import (
	"fmt"
	"io"
	"strings"

	"github.com/masixun71/cupid-go/pkg/check"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

// fixer writes the statements that would make a destination equal. It executes
// none of them.
type fixer struct {
	out     io.Writer // nil: nothing is wanted
	pairing *mysql.Pairing
}

// FixHeader begins a file of statements.
const FixHeader = `-- What would make the destinations equal to their sources, as cupid check read
-- them. Nothing of this was executed. Review it, and run it on each destination's
-- server: mysql DATABASE < FILE. Rows may have changed since; check again behind it.
` + mysql.FixPreamble

func (f fixer) begin(job, destination string) error {
	return f.print("\n-- job " + oneLine(job) + ", destination " + oneLine(destination) + "\n")
}

// add writes the statement for one finding.
func (f fixer) add(found check.Finding) error {
	if f.out == nil {
		return nil
	}
	comment := string(found.Kind)
	if len(found.Columns) > 0 {
		comment += ": " + oneLine(strings.Join(found.Columns, ", "))
	}
	statement, ok := f.statement(found)
	if !ok {
		return f.print("-- " + comment + ": to be looked at by a person\n")
	}
	return f.print(statement + " -- " + comment + "\n")
}

func (f fixer) statement(found check.Finding) (string, bool) {
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

// end says what the statements leave out.
func (f fixer) end(r *check.Result) error {
	if n := r.Unconfirmed; n > 0 {
		return f.print(fmt.Sprintf("-- %d more rows differ and were not read: run this, then check again\n", n))
	}
	return nil
}

func (f fixer) print(text string) error {
	if f.out == nil {
		return nil
	}
	if _, err := io.WriteString(f.out, text); err != nil {
		return fmt.Errorf("write the statements: %w", err)
	}
	return nil
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
