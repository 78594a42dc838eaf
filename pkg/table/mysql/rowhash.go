package mysql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// hashing is how one side's rows become hashes that the other side's equal.
type hashing struct {
	key  string // the value that relates the sides, in SQL; canonical where there is such a text
	hash string // BIGINT UNSIGNED; NULL for a row too long for max_allowed_packet; "" where there are none
	long string // a condition that all such rows meet; "" where there can be none
}

// hashings are those of both sides of a relation, or why there are no hashes.
func hashings(source, destination fields, relation diff.Relation, strong bool) (a, b hashing, why string) {
	a.key, b.key = source[relation.BySource].sql(), destination[relation.ByDestination].sql()
	var left, right []form
	for _, pair := range keyFirst(relation) {
		l, r, why := formsOf(source[pair.Source], destination[pair.Destination], pair.Rule)
		if why != "" {
			return a, b, why
		}
		left, right = append(left, l), append(right, r)
		a.key, b.key = left[0].text, right[0].text
	}
	a.hash, b.hash = rowHash(left, strong), rowHash(right, strong)
	a.long, b.long = longRows(left), longRows(right)
	return a, b, ""
}

// keyFirst are the pairs whose values are in a row's hash: what relates the
// sides, then everything else that is compared.
func keyFirst(r diff.Relation) []diff.Pair {
	pairs := []diff.Pair{{Name: r.ByName, Source: r.BySource, Destination: r.ByDestination, Rule: r.ByRule}}
	for _, pair := range r.Pairs {
		if pair.Source != r.BySource || pair.Destination != r.ByDestination {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// rowHash is the hash of a row. CRC32 alone is affine: one change made alike to
// an even number of rows cancels out of an XOR. The product with an odd constant
// is not, and stays below 2^64.
func rowHash(forms []form, strong bool) string {
	row := rowText(forms)
	if strong {
		return "CAST(CONV(LEFT(SHA2(" + row + ",256),16),16,10) AS UNSIGNED)"
	}
	return "CRC32(" + row + ")*2654435769"
}

// rowText is one text of a row from which all its values could be read back, so
// that different rows have different texts: a value that may hold the separator
// stands behind its length, and N stands for NULL. CONCAT_WS leaves a NULL out,
// which is known from its N.
func rowText(forms []form) string {
	var parts []string
	for _, f := range forms {
		switch {
		case f.free && f.column.nullable:
			parts = append(parts, fmt.Sprintf("IF(%s IS NULL,'N',LENGTH(%s))", f.column.quoted(), f.text), f.text)
		case f.free:
			parts = append(parts, "LENGTH("+f.text+")", f.text)
		case f.column.nullable:
			parts = append(parts, "IFNULL("+f.text+",'N')")
		default:
			parts = append(parts, f.text)
		}
	}
	return "CONCAT_WS(','," + strings.Join(parts, ",") + ")"
}

const (
	// smallestPacket is a max_allowed_packet that every server in use exceeds.
	smallestPacket = 32 << 10
	// overhead is more than a value adds to the row's text beside its own.
	overhead = 128
	// longText is from where on a text's length is worth asking for.
	longText = 1 << 10
)

// longRows is a condition that every row meets whose text exceeds
// max_allowed_packet. It is no exact one: that would compute each hash twice.
func longRows(forms []form) string {
	total, rest := 0, 0
	var terms []string
	for _, f := range forms {
		total += f.longest() + overhead
		if f.longest() < longText {
			rest += f.longest() + overhead
			continue
		}
		length := "LENGTH(" + f.text + ")"
		if f.column.nullable {
			length = "IFNULL(" + length + ",0)"
		}
		terms = append(terms, length)
		rest += overhead
	}
	if total <= smallestPacket {
		return ""
	}
	terms = append(terms, strconv.Itoa(rest))
	return strings.Join(terms, "+") + ">@@max_allowed_packet"
}
