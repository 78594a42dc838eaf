package mysql

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
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

// packKnown is a word, the CRC of 'é', and bytes that no text holds.
const packKnown = "\x80\x00\x00\x07\x8e\x04\x8d\x3e\xff\x00"

// packs asks the server for a packed text that is known.
func (d *Database) packs(ctx context.Context) (bool, error) {
	text := hashing{}.pack([]string{"7|" + strconv.Itoa(wordMark)}, "CRC32('é')")
	rows, err := d.rows(ctx, "hash a row", "SELECT GROUP_CONCAT("+text+",UNHEX('ff00') SEPARATOR '')")
	if errors.Is(err, job.ErrUnreadable) {
		return false, nil
	}
	return err == nil && len(rows) == 1 && string(rows[0][0]) == packKnown, err
}

// identity is the number that tells which row a mark is of.
type identity struct {
	sql string
	// words are how many words it takes, 1 or 2; 0 where they are not enough.
	words int
	// first is a number that no ID lies before, from which on the words count.
	first uint64
	// digest is what is hashed of a row, without what the words say of it already.
	digest string
}

// packed are the words in SQL, the higher first.
func (i identity) packed() (words []string) {
	for n := i.words - 1; n >= 0; n-- {
		word := i.sql
		if n > 0 {
			word += ">>" + strconv.Itoa(n*wordBits) + "&" + strconv.Itoa(wordMask)
		}
		words = append(words, word+"|"+strconv.Itoa(wordMark))
	}
	return words
}

// whole is an ID of which the words are known, or more.
func (i identity) whole(bits uint64) uint64 {
	if i.words == 0 {
		return bits
	}
	return i.first + (bits-i.first)&(1<<(i.words*wordBits)-1)
}

// keyHash is the identity of rows by a hash of their keys.
func (s *Side) keyHash() identity {
	return identity{sql: "CRC32(" + s.hashing.keyText + ")", words: 1, digest: s.hashing.digest}
}

// key is the identity of rows of (after, upto] by their integer key.
func (s *Side) key(after, upto job.Point) identity {
	i := identity{sql: s.by[0].quoted(), digest: s.hashing.digest}
	low, ok1 := after.Integer()
	high, ok2 := upto.Integer()
	if !ok1 || !ok2 {
		return i
	}
	width := new(big.Int).Sub(high, low).BitLen()
	if i.words = (width + wordBits - 1) / wordBits; i.words > 2 {
		i.words = 0
		return i
	}
	i.first, i.digest = diff.KeyID(low)+1, s.hashing.rest
	return i
}

// Marks gives a mark of each row of (after, upto], with its aligned key for an ID,
// appended to into in any order.
func (s *Side) Marks(ctx context.Context, into []diff.Mark, after, upto job.Point) ([]diff.Mark, error) {
	where, err := s.order.within(after, upto)
	if err != nil {
		return nil, fmt.Errorf("list rows of %s: %w", s.schema.table, err)
	}
	return s.marks(ctx, into, s.key(after, upto), s.where(where))
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
	if i.words > 0 && s.schema.packs && s.hashing.long == "" {
		found, all, err := s.packedMarks(ctx, into, i, where)
		if err != nil || all {
			return found, err
		}
	}
	return s.plainMarks(ctx, into, i, where)
}

// packedMarks reports false, and gives none, where the server has cut the text
// off or could not hash a row.
func (s *Side) packedMarks(ctx context.Context, into []diff.Mark, i identity, where string) (found []diff.Mark, all bool, err error) {
	query := "SELECT COUNT(*),GROUP_CONCAT(" + s.hashing.pack(i.packed(), i.digest) + " SEPARATOR '')" + s.schema.from(s.order.index) + " WHERE " + where
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
		return "CHAR(" + strings.Join(id, ",") + "),UNHEX(" + digest + ")"
	}
	return "CHAR(" + strings.Join(append(id, digest+"|"+strconv.Itoa(wordMark)), ",") + ")"
}

// unpack reads a packed text; false where it is none.
func (h hashing) unpack(into []diff.Mark, i identity, text []byte) ([]diff.Mark, bool) {
	before, size := i.words*wordBytes, wordBytes
	if h.strong {
		size = strongBytes
	}
	if len(text)%(before+size) != 0 {
		return into, false
	}
	into = slices.Grow(into, len(text)/(before+size))
	for ; len(text) > 0; text = text[before+size:] {
		bits := word(text)
		if i.words == 2 {
			bits = bits<<wordBits | word(text[wordBytes:])
		}
		m := diff.Mark{ID: i.whole(bits)}
		if h.strong {
			m.Hash = binary.BigEndian.Uint64(text[before:])
		} else {
			m.Hash = word(text[before:])
		}
		into = append(into, m)
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
