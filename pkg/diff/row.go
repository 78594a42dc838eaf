package diff

import (
	"crypto/sha256"
	"encoding/hex"
)

// Value is one column of one row, as canonical text or raw bytes; nil is NULL.
type Value = []byte

// Row is one row that was read for comparison.
type Row struct {
	// Key is the scan key as text in a source row, "" in a destination row.
	Key string
	// Values are in the order of the reader's compared columns.
	Values []Value
	// Body holds every column of a source row as a callback body shows it; only
	// when it was asked for.
	Body []Value
}

// hashLength is 16 hexadecimal digits: enough to see that a row changed, short
// enough to lie in Redis beside every open callback.
const hashLength = 16

// Hash is a fingerprint of the compared source columns. Two readings of a row
// have the same hash exactly when none of these columns changed in between.
func (r Relation) Hash(row Row) string {
	// Lengths, not separators: ('a,b','c') must not hash like ('a','b,c').
	var room [256]byte // most rows need no more
	text := room[:0]
	for _, pairs := range [][]Pair{r.By, r.Pairs} {
		for _, pair := range pairs {
			text = appendField(text, row.Values[pair.Source])
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:hashLength/2])
}
