package mysql_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/internal/mysqltest"
	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
	"github.com/masixun71/cupid-go/pkg/table/mysql"
)

const (
	trials    = 4_000
	trialKeys = 16 // at most, one stretch of the fold
)

// record is a row of the property test: two texts side by side that may hold
// separators and marks, and numbers.
type record struct{ first, second, status, amount string }

// TestNoChangeGoesUnseen gives every trial some rows and one damage, and wants
// its fold, and no other, to differ.
func TestNoChangeGoesUnseen(t *testing.T) {
	t.Parallel()
	const plain, bytes = ",N0123ab", ",N0123ab\xff\xfe"
	for name, c := range map[string]struct{ source, destination, letters string }{
		"texts":           {"VARCHAR(40)", "VARCHAR(40)", plain},
		"bytes":           {"VARBINARY(40)", "VARBINARY(40)", bytes},
		"texts and bytes": {"VARCHAR(40)", "VARBINARY(40)", plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			noChangeGoesUnseen(t, c.source, c.destination, words(c.letters))
		})
	}
}

func noChangeGoesUnseen(t *testing.T, source, destination string, word words) {
	t.Helper()
	p := newPair(t, mysqltest.Shared(t))
	p.columns("id", "first", "second", "status", "amount")
	const table = "CREATE TABLE t (id INT PRIMARY KEY, number INT NOT NULL UNIQUE, first %[1]s, second %[1]s, status INT NOT NULL, amount DECIMAL(8,2))"
	p.source.Exec(t, fmt.Sprintf(table, source))
	p.destination.Exec(t, fmt.Sprintf(table, destination))
	random := rand.New(rand.NewPCG(1, 2))
	var before, after []string
	damaged := make([]string, trials) // by trial: what was done; "" for nothing
	for trial := range trials {
		rows := records(random, word, 2+2*random.IntN(4))
		copied := slices.Clone(rows)
		if trial%10 > 0 {
			damage := damages[random.IntN(len(damages))]
			damage.do(random, word, copied)
			if !slices.Equal(rows, copied) {
				damaged[trial] = damage.name
			}
		}
		before = append(before, inserted(trial, rows)...)
		after = append(after, inserted(trial, copied)...)
	}
	insertRecords(t, p.source, before)
	insertRecords(t, p.destination, after)

	plan := p.plan(t)
	for _, strong := range []bool{false, true} {
		pairing := plan.Pairing(0, mysql.PairingOptions{Checksum: checksum(strong)})
		require.Equal(t, mysql.RangeChecksum, pairing.Strategy(), pairing.Reason())
		left, right := foldsOfTrials(t, pairing.Source()), foldsOfTrials(t, pairing.Destination())
		for trial, damage := range damaged {
			require.Equal(t, damage == "", left[trial].Equal(right[trial]), "strong %v, trial %d: %s", strong, trial, damage)
		}
	}
}

func foldsOfTrials(t *testing.T, side *mysql.Side) []diff.Fold {
	t.Helper()
	folds := make([]diff.Fold, trials)
	for trial := range folds {
		var err error
		folds[trial], err = side.Fold(t.Context(), job.KeyPoint(fmt.Sprint(trial*trialKeys-1)), job.KeyPoint(fmt.Sprint((trial+1)*trialKeys-1)))
		require.NoError(t, err)
		require.NotZero(t, folds[trial].Rows)
	}
	return folds
}

// damages are the changes that a pipeline makes, or loses.
var damages = []struct {
	name string
	do   func(*rand.Rand, words, []record)
}{
	{"one text of one row", func(r *rand.Rand, w words, rows []record) { rows[r.IntN(len(rows))].second = w.draw(r) }},
	{"one number of one row", func(r *rand.Rand, _ words, rows []record) { rows[r.IntN(len(rows))].status = fmt.Sprint(r.IntN(1000)) }},
	{"the same number in all rows", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			rows[i].status = "9" + rows[i].status[1:]
		}
	}},
	{"the same digit behind the point", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			rows[i].amount = rows[i].amount[:len(rows[i].amount)-1] + "7"
		}
	}},
	{"the same bit of a text", func(r *rand.Rand, _ words, rows []record) {
		bit := byte(1) << r.IntN(3)
		for i := range rows {
			rows[i].second = flip(rows[i].second, bit)
		}
	}},
	{"the same end of a text", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			rows[i].second += ",x"
		}
	}},
	{"a separator that moved", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			all := rows[i].first + "," + rows[i].second
			cut := strings.LastIndex(all, ",")
			rows[i].first, rows[i].second = all[:cut], all[cut+1:]
		}
	}},
	{"a letter that moved", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			if rows[i].second != "" {
				rows[i].first, rows[i].second = rows[i].first+rows[i].second[:1], rows[i].second[1:]
			}
		}
	}},
	{"texts that changed places", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			rows[i].first, rows[i].second = rows[i].second, rows[i].first
		}
	}},
	{"rows that changed places", func(_ *rand.Rand, _ words, rows []record) { rows[0], rows[1] = rows[1], rows[0] }},
	{"NULL instead of a text", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			rows[i].first = null
		}
	}},
	{"the mark of NULL instead of a text", func(_ *rand.Rand, _ words, rows []record) {
		for i := range rows {
			rows[i].second = "N"
		}
	}},
}

const null = "NULL"

// flip changes a bit of the first letter, which stays a letter or a digit.
func flip(text string, bit byte) string {
	if text == "" {
		return text
	}
	return string(text[0]^bit) + text[1:]
}

func records(r *rand.Rand, w words, n int) []record {
	rows := make([]record, n)
	for i := range rows {
		rows[i] = record{w.draw(r), w.draw(r), fmt.Sprint(100 + r.IntN(900)), fmt.Sprintf("%d.%d0", r.IntN(1000), r.IntN(10))}
	}
	return rows
}

// words are made of these letters: what a row's text is made of, separators,
// lengths and marks.
type words string

func (w words) draw(r *rand.Rand) string {
	b := make([]byte, r.IntN(6))
	for i := range b {
		b[i] = w[r.IntN(len(w))]
	}
	return string(b)
}

// inserted are the rows of a trial as SQL.
func inserted(trial int, rows []record) []string {
	literal := func(text string) string {
		if text == null {
			return null
		}
		return fmt.Sprintf("X'%X'", text)
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		id := trial*trialKeys + i
		lines[i] = fmt.Sprintf("(%d,%d,%s,%s,%s,%s)", id, id, literal(row.first), literal(row.second), row.status, row.amount)
	}
	return lines
}

func insertRecords(t *testing.T, d *mysqltest.Database, lines []string) {
	t.Helper()
	for chunk := range slices.Chunk(lines, 5_000) {
		d.Exec(t, "INSERT INTO t VALUES "+strings.Join(chunk, ","))
	}
}
