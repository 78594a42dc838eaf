package job

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Type is the kind of a difference; its number goes into the callback body.
type Type int

// The types of a difference.
const (
	Missing   Type = 1 // the destination lacks the row
	Different Type = 2 // the destination has the row with other values
	Extra     Type = 3 // the source lacks the row; found by an audit only
)

// String is the number, as it stands in Redis and in the callback body.
func (t Type) String() string { return strconv.Itoa(int(t)) }

// Name is the word for people.
func (t Type) Name() string {
	switch t {
	case Missing:
		return "missing"
	case Different:
		return "different"
	case Extra:
		return "extra"
	default:
		return "unknown"
	}
}

// Difference is a row that was read unequal: a reference, never the row.
type Difference struct {
	Destination string
	Shard       Shard
	Key         string // the source row's scan key, as text
	Type        Type
	SourceHash  string // fingerprint of the compared source columns, to see that the row changed since
}

// CallbackID names the one live callback of a difference.
type CallbackID string

// maxCallbackID keeps ids within what Redis stores compactly (listpack values, 64 bytes).
const maxCallbackID = 64

// ID is "<destination>:<shard>:<key>", or a hash of that above 64 bytes.
func (d Difference) ID() CallbackID {
	id := d.Destination + ":" + d.Shard.String() + ":" + escape(d.Key)
	if len(id) <= maxCallbackID {
		return CallbackID(id)
	}
	sum := sha256.Sum256([]byte(id))
	return CallbackID("sha256:" + hex.EncodeToString(sum[:24]))
}
