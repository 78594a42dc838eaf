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
	trialKeys = 16 // keys of a trial, one bucket of the fold
)

// record is a row of the property test: two texts side by side that may hold
// separators and marks, and numbers.
type record struct{ first, second, status, amount string }

// TestNoChangeGoesUnseen gives every trial some rows and one damage, and wants
// its bucket, and no other, to differ.
func TestNoChangeGoesUnseen(t *testing.T) {
	t.Parallel()
	p := newPair(t, mysqltest.Shared(t))
	p.columns("id", "first", "second", "status", "amount")
	const table = "CREATE TABLE t (id INT PRIMARY KEY, number INT NOT NULL UNIQUE, first VARCHAR(40), second VARCHAR(40), status INT NOT NULL, amount DECIMAL(8,2))"
	p.source.Exec(t, table)
	p.destination.Exec(t, table)
	random := rand.New(rand.NewPCG(1, 2))
	var source, destination []string
	damaged := make([]string, trials) // by trial: what was done; "" for nothing
	for trial := range trials {
		before := records(random, 2+2*random.IntN(4))
		after := slices.Clone(before)
		if trial%10 > 0 {
			damage := damages[random.IntN(len(damages))]
			damage.do(random, after)
			if !slices.Equal(before, after) {
				damaged[trial] = damage.name
			}
		}
		source = append(source, inserted(trial, before)...)
		destination = append(destination, inserted(trial, after)...)
	}
	insertRecords(t, p.source, source)
	insertRecords(t, p.destination, destination)

	plan := p.plan(t)
	for _, strong := range []bool{false, true} {
		pairing := plan.Pairing(0, mysql.PairingOptions{Strong: strong})
		require.Equal(t, mysql.RangeChecksum, pairing.Strategy(), pairing.Reason())
		left, right := trialBuckets(t, pairing.Source()), trialBuckets(t, pairing.Destination())
		for trial, damage := range damaged {
			require.Equal(t, damage == "", left[uint64(trial)].Equal(right[uint64(trial)]), "strong %v, trial %d: %s", strong, trial, damage)
		}
	}
}

func trialBuckets(t *testing.T, side *mysql.Side) map[uint64]diff.Bucket {
	t.Helper()
	folded, err := side.Fold(t.Context(), job.Point{}, job.Point{}, trialKeys)
	require.NoError(t, err)
	require.Len(t, folded, trials)
	buckets := make(map[uint64]diff.Bucket, len(folded))
	for _, b := range folded {
		buckets[b.ID] = b
	}
	return buckets
}

// damages are the changes that a pipeline makes, or loses.
var damages = []struct {
	name string
	do   func(*rand.Rand, []record)
}{
	{"one text of one row", func(r *rand.Rand, rows []record) { rows[r.IntN(len(rows))].second = word(r) }},
	{"one number of one row", func(r *rand.Rand, rows []record) { rows[r.IntN(len(rows))].status = fmt.Sprint(r.IntN(1000)) }},
	{"the same number in all rows", func(_ *rand.Rand, rows []record) {
		for i := range rows {
			rows[i].status = "9" + rows[i].status[1:]
		}
	}},
	{"the same digit behind the point", func(_ *rand.Rand, rows []record) {
		for i := range rows {
			rows[i].amount = rows[i].amount[:len(rows[i].amount)-1] + "7"
		}
	}},
	{"the same bit of a text", func(r *rand.Rand, rows []record) {
		bit := byte(1) << r.IntN(3)
		for i := range rows {
			rows[i].second = flip(rows[i].second, bit)
		}
	}},
	{"the same end of a text", func(_ *rand.Rand, rows []record) {
		for i := range rows {
			rows[i].second += ",x"
		}
	}},
	{"a separator that moved", func(_ *rand.Rand, rows []record) {
		for i := range rows {
			all := rows[i].first + "," + rows[i].second
			cut := strings.LastIndex(all, ",")
			rows[i].first, rows[i].second = all[:cut], all[cut+1:]
		}
	}},
	{"a letter that moved", func(_ *rand.Rand, rows []record) {
		for i := range rows {
			if rows[i].second != "" {
				rows[i].first, rows[i].second = rows[i].first+rows[i].second[:1], rows[i].second[1:]
			}
		}
	}},
	{"texts that changed places", func(_ *rand.Rand, rows []record) {
		for i := range rows {
			rows[i].first, rows[i].second = rows[i].second, rows[i].first
		}
	}},
	{"rows that changed places", func(_ *rand.Rand, rows []record) { rows[0], rows[1] = rows[1], rows[0] }},
	{"NULL instead of a text", func(_ *rand.Rand, rows []record) {
		for i := range rows {
			rows[i].first = null
		}
	}},
	{"the mark of NULL instead of a text", func(_ *rand.Rand, rows []record) {
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

func records(r *rand.Rand, n int) []record {
	rows := make([]record, n)
	for i := range rows {
		rows[i] = record{word(r), word(r), fmt.Sprint(100 + r.IntN(900)), fmt.Sprintf("%d.%d0", r.IntN(1000), r.IntN(10))}
	}
	return rows
}

// word is made of what a row's text is made of: separators, lengths and marks.
func word(r *rand.Rand) string {
	const letters = ",N0123ab"
	b := make([]byte, r.IntN(6))
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// inserted are the rows of a trial as SQL.
func inserted(trial int, rows []record) []string {
	literal := func(text string) string {
		if text == null {
			return null
		}
		return "'" + text + "'"
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
