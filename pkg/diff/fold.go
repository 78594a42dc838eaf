package diff

import (
	"math"
	"math/big"
)

// Fold sums up some rows of one side. Two sides whose folds are equal hold equal
// rows, as far as the hash tells them apart.
type Fold struct {
	Rows uint64
	// Hash is the XOR of the rows' hashes. It is not affine in the rows, so that
	// a change made alike to an even number of rows does not cancel out.
	Hash uint64
	// Unhashed counts rows whose hash is NULL: longer than the server's
	// max_allowed_packet, they are not in Hash and have to be compared as rows.
	Unhashed uint64
}

// Equal reports whether two folds are equal and say all of their rows.
func (f Fold) Equal(g Fold) bool { return f == g && f.Unhashed == 0 }

// OddFactor makes a hash of a CRC-32. A CRC alone is affine: one change made alike to
// an even number of rows cancels out of an XOR. Its product with this is not, and
// stays below 2^64.
const OddFactor = 2654435769

// Mark is the hash of one row, without the row.
type Mark struct {
	// ID tells which row it is: an integer key in two's complement, or a hash of
	// any key.
	ID   uint64
	Hash uint64 // NoHash of a row that the server could not hash
}

// NoHash takes the place of a hash. A strong hash that happens to be it says
// nothing, and its row is compared.
const NoHash = math.MaxUint64

// Unhashed reports whether the mark says nothing of the row.
func (m Mark) Unhashed() bool { return m.Hash == NoHash }

// KeyID is the ID of a row by its key, an integer of 64 bits, signed or not.
func KeyID(key *big.Int) uint64 {
	return new(big.Int).And(key, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
}

// Sieve lets keys through by a hash of them: those whose lower 16 bits are in one
// list and whose upper bits are in the other. Where a share p of each half
// differs, a key that does not differ passes with p², so that a few thousand
// differing rows make little else pass.
type Sieve struct {
	Lower, Upper []uint16
}

// Hashed is one row's key with its hash.
type Hashed struct {
	// Row is the scan key of a source row of a range, "" of others.
	Row string
	// Key holds values in their canonical text: rows that belong together have
	// the same on both sides. Null says that there is none.
	Key  Key
	Null bool
	Hash uint64
	// Unhashed is a row that the server could not hash, or without a key.
	Unhashed bool
}
