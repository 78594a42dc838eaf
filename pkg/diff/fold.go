package diff

// Bucket is the fold of some rows of one side: of a stretch of keys, or of the
// keys that share a hash. Two sides whose buckets are equal hold equal rows, as
// far as the hash tells them apart.
type Bucket struct {
	ID   uint64
	Rows uint64
	// Hash is the XOR of the rows' hashes. It is not affine in the rows, so that
	// a change made alike to an even number of rows does not cancel out.
	Hash uint64
	// Unhashed counts rows whose hash is NULL: longer than the server's
	// max_allowed_packet, they are not in Hash and have to be compared as rows.
	Unhashed uint64
}

// Equal reports whether two folds are equal and say all of their rows.
func (b Bucket) Equal(c Bucket) bool {
	return b.Rows == c.Rows && b.Hash == c.Hash && b.Unhashed == 0 && c.Unhashed == 0
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
