package mysql

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// Marks give the hash of every row at little more than what a fold of all rows
// costs: the server writes them into one text, of so many bytes for each row.
// Grouping rows instead costs a server as much for keys in order and twice as
// much for others, whose groups do not stay in its cache; rows of their own cost
// the server less and the driver more than both.

// packBytes is the longest such text; MySQL's default is 1,024.
const packBytes = 4 << 20

// A word is 31 bits of a number, in four bytes of which the first is never zero:
// CHAR leaves zeros out.
const (
	wordBytes = 4
	wordBits  = 31
	wordMask  = 1<<wordBits - 1
	wordMark  = 1 << wordBits

	strongBytes = 8 // of a strong hash
)

// packKnown are two words, the second as it is, the CRC of 'é', and bytes that no text holds.
const packKnown = "\x80\x00\x00\x07\x07\x00\x80\x8e\x04\x8d\x3e\xff\x00"

// packs asks the server for a packed text that is known.
func (d *Database) packs(ctx context.Context) (bool, error) {
	text := hashing{}.pack([]string{marked("7"), "458880"}, "CRC32('é')")
	rows, err := d.rows(ctx, "hash a row", "SELECT GROUP_CONCAT("+text+",UNHEX('ff00') SEPARATOR '')")
	if errors.Is(err, job.ErrUnreadable) {
		return false, nil
	}
	return err == nil && len(rows) == 1 && string(rows[0][0]) == packKnown, err
}

// marked is a number as a word, in SQL.
func marked(number string) string { return number + "|" + strconv.Itoa(wordMark) }

// identity is the number that tells which row a mark is of, and how a packed text says it.
type identity struct {
	sql  string
	form idForm
	size int // bytes of a row's text for it
	// No ID lies before first, from which on the text counts, or behind last.
	first, last uint64
	rows        string // how many rows the text must tell of, in SQL
	// digest is what is hashed of a row, without what the text says of it already.
	digest string
}

type idForm int

const (
	tooWide idForm = iota // for a packed text
	// inWords has 31 bits in each word, the higher first.
	inWords
	// asItIs has the lower 32 bits as they are: all IDs have as many bytes.
	asItIs
	// byPlace says nothing: there is a row for every number, one after the other.
	byPlace
)

// bits are how many bits of the number are known from the text; 64 where it is no packed one.
func (i identity) bits() int {
	switch i.form {
	case inWords:
		return i.size / wordBytes * wordBits
	case asItIs:
		return 32
	default:
		return 64
	}
}

// packed are the numbers in SQL whose bytes are the text.
func (i identity) packed() (numbers []string) {
	switch i.form {
	case asItIs:
		numbers = []string{i.sql}
	case inWords:
		for n := i.size/wordBytes - 1; n > 0; n-- {
			numbers = append(numbers, marked(i.sql+">>"+strconv.Itoa(n*wordBits)+"&"+strconv.Itoa(wordMask)))
		}
		numbers = append(numbers, marked(i.sql))
	}
	return numbers
}

// read writes the IDs of marks from the texts of so many bytes each.
func (i identity) read(marks []diff.Mark, text []byte, size int) {
	for n := range marks {
		var id uint64
		switch own := text[n*size:]; i.form {
		case byPlace:
			id = i.first + uint64(n)
		case asItIs:
			for _, b := range own[:i.size] {
				id = id<<8 | uint64(b)
			}
			id = i.whole(id)
		default:
			for at := 0; at < i.size; at += wordBytes {
				id = id<<wordBits | word(own[at:])
			}
			id = i.whole(id)
		}
		marks[n].ID = id
	}
}

// whole is an ID of which the lower bits are known, or more.
func (i identity) whole(id uint64) uint64 {
	return i.first + (id-i.first)&(1<<i.bits()-1)
}

// keyHash is the identity of rows by a hash of their keys.
func (s *Side) keyHash() identity {
	return identity{sql: "CRC32(" + s.hashing.keyText + ")", form: inWords, size: wordBytes, rows: countRows, digest: s.hashing.digest}
}

const countRows = "COUNT(*)"

// key is the identity of rows of (after, upto] by their integer key.
func (s *Side) key(after, upto job.Point) identity {
	i := identity{sql: s.by[0].quoted(), rows: countRows, digest: s.hashing.digest}
	low, ok1 := after.Integer()
	high, ok2 := upto.Integer()
	if !ok1 || !ok2 {
		return i
	}
	i.first, i.last = diff.KeyID(low)+1, diff.KeyID(high)
	width := new(big.Int).Sub(high, low).BitLen()
	switch words := (width + wordBits - 1) / wordBits; {
	case words > 2:
		return i
	case words == 1 && sameSize(uint32(i.first), uint32(i.last)):
		i.form, i.size = asItIs, charBytes(uint32(i.last))
	default:
		i.form, i.size = inWords, words*wordBytes
	}
	i.digest = s.hashing.rest
	return i
}

// charBytes is how many bytes CHAR makes of a number.
func charBytes(n uint32) int { return max((bits.Len32(n)+7)/8, 1) }

// sameSize reports whether all numbers of a range have the same; an end before
// its beginning is one behind 2^32.
func sameSize(first, last uint32) bool { return first <= last && charBytes(first) == charBytes(last) }

// Marks gives a mark of each row of (after, upto], with its aligned key for an ID,
// appended to into in any order.
func (s *Side) Marks(ctx context.Context, into []diff.Mark, after, upto job.Point) ([]diff.Mark, error) {
	where, err := s.order.within(after, upto)
	if err != nil {
		return nil, fmt.Errorf("list rows of %s: %w", s.schema.table, err)
	}
	return s.denseMarks(ctx, into, s.key(after, upto), s.where(where))
}

// KeyMarks gives a mark of each row of (after, upto] that has a key, with 31 bits
// of the key's CRC-32 for an ID, appended to into in any order.
func (s *Side) KeyMarks(ctx context.Context, into []diff.Mark, after, upto job.Point) ([]diff.Mark, error) {
	where, err := s.related(after, upto)
	if err != nil {
		return nil, fmt.Errorf("list rows of %s: %w", s.schema.table, err)
	}
	return s.marks(ctx, into, s.keyHash(), where)
}

func (s *Side) marks(ctx context.Context, into []diff.Mark, i identity, where string) ([]diff.Mark, error) {
	if s.hashing.hash == "" {
		return nil, errNotHashable
	}
	if s.packable(i) {
		found, all, err := s.packedMarks(ctx, into, i, where)
		if err != nil || all {
			return found, err
		}
	}
	return s.plainMarks(ctx, into, i, where)
}

// packable reports whether marks may come in a packed text.
func (s *Side) packable(i identity) bool {
	return i.form != tooWide && s.schema.packs && s.hashing.long == ""
}

// packedMarks reports false, and gives none, where the server has cut the text
// off or could not hash a row.
func (s *Side) packedMarks(ctx context.Context, into []diff.Mark, i identity, where string) (found []diff.Mark, all bool, err error) {
	query := "SELECT " + i.rows + ",GROUP_CONCAT(" + s.hashing.pack(i.packed(), i.digest) + " SEPARATOR '')" + s.schema.from(s.order.index) + " WHERE " + where
	err = s.db.each(ctx, "list rows of "+s.schema.table, query, func(row []driver.Value) uint64 {
		rows := number(row[0])
		text, _ := row[1].([]byte)
		found, all = s.hashing.unpack(into, i, text)
		all = all && uint64(len(found)-len(into)) == rows
		return rows
	})
	if err != nil || !all {
		return into, false, err
	}
	return found, true, nil
}

// pack is the text of a row's mark: the words of its ID, and its digest, in SQL.
func (h hashing) pack(id []string, digest string) string {
	if h.strong {
		digest = "UNHEX(" + digest + ")"
		if len(id) == 0 {
			return digest
		}
		return "CHAR(" + strings.Join(id, ",") + ")," + digest
	}
	return "CHAR(" + strings.Join(append(id, marked(digest)), ",") + ")"
}

// unpack reads a packed text; false where it is none.
func (h hashing) unpack(into []diff.Mark, i identity, text []byte) ([]diff.Mark, bool) {
	size := wordBytes
	if h.strong {
		size = strongBytes
	}
	size += i.size
	if len(text)%size != 0 {
		return into, false
	}
	rows := len(text) / size
	into = slices.Grow(into, rows)[:len(into)+rows]
	marks := into[len(into)-rows:]
	i.read(marks, text, size)
	for n := range marks {
		hash := text[n*size+i.size:]
		if h.strong {
			marks[n].Hash = binary.BigEndian.Uint64(hash)
		} else {
			marks[n].Hash = word(hash)
		}
	}
	return into, true
}

// word is the number in the first word of a text.
func word(text []byte) uint64 { return uint64(binary.BigEndian.Uint32(text)) & wordMask }

// plainMarks are those of a row each.
func (s *Side) plainMarks(ctx context.Context, into []diff.Mark, i identity, where string) ([]diff.Mark, error) {
	hash := i.digest
	if s.hashing.strong {
		hash = unhexed(hash)
	}
	query := "SELECT " + i.sql + "," + hash + s.schema.from(s.order.index) + " WHERE " + where
	err := s.db.each(ctx, "list rows of "+s.schema.table, query, func(row []driver.Value) uint64 {
		m := diff.Mark{ID: i.whole(number(row[0])), Hash: number(row[1])}
		switch {
		case row[1] == nil:
			m.Hash = diff.NoHash
		case !s.hashing.strong:
			m.Hash &= wordMask
		}
		into = append(into, m)
		return 1
	})
	return into, err
}
