package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/masixun71/cupid-go/pkg/diff"
	"github.com/masixun71/cupid-go/pkg/job"
)

// hashing is how one side's rows become hashes that the other side's equal.
type hashing struct {
	key     []string // the values that relate the sides, in SQL; canonical where there are such texts
	keyText string   // one text of the key, the same on both sides; "" where there is none
	hash    string   // BIGINT UNSIGNED; NULL for a row too long for max_allowed_packet; "" where there are none
	long    string   // a condition that all such rows meet; "" where there can be none
	strong  bool
	digest  string // what the hash is made of: a number of 32 bits, or 16 hexadecimal digits of a strong hash
	rest    string // the digest of a row without its key; with it where nothing else is compared
}

// listed is what is read of a row, in SQL.
func (h hashing) listed() []string { return append(slices.Clone(h.key), h.hash) }

// hashed takes what listed reads from the values of a row, and copies it: the
// driver will overwrite them.
func (h hashing) hashed(row []driver.Value) (read diff.Hashed, rest []driver.Value) {
	n := len(h.key)
	var one [1]diff.Value // of most keys, and then nothing is copied but the key itself
	values := one[:0]
	for _, v := range row[:n] {
		if text, is := v.([]byte); is {
			values = append(values, text)
		} else {
			values = append(values, shown(v))
		}
	}
	key, ok := diff.NewKey(values...)
	hash := row[n]
	return diff.Hashed{Key: key, Null: !ok, Hash: number(hash), Unhashed: !ok || hash == nil}, row[n+1:]
}

// hashings are those of both sides of a relation, or why there are no hashes.
func hashings(source, destination fields, relation diff.Relation, strong bool) (a, b hashing, why string) {
	a.key, b.key = keysAsTheyAre(source, destination, relation)
	var left, right []form
	for n, pair := range keyFirst(relation) {
		l, r, why := formsOf(source[pair.Source], destination[pair.Destination], pair.Rule, pair.Options)
		if why != "" {
			return a, b, why
		}
		left, right = append(left, l), append(right, r)
		if n < len(relation.By) {
			a.key[n], b.key[n] = l.text, r.text
		}
	}
	a.keyText, b.keyText = keyText(left[:len(a.key)]), keyText(right[:len(b.key)])
	a.hash, b.hash = rowHash(left, strong), rowHash(right, strong)
	a.long, b.long = longRows(left), longRows(right)
	a.strong, b.strong = strong, strong
	a.digest, b.digest = rowDigest(left, strong), rowDigest(right, strong)
	if by := len(relation.By); by < len(left) {
		left, right = left[by:], right[by:]
	}
	a.rest, b.rest = rowDigest(left, strong), rowDigest(right, strong)
	return a, b, ""
}

// keysAsTheyAre are the values that relate the sides, in SQL, without any form in common.
func keysAsTheyAre(source, destination fields, relation diff.Relation) (a, b []string) {
	for _, by := range relation.By {
		a, b = append(a, source[by.Source].sql()), append(b, destination[by.Destination].sql())
	}
	return a, b
}

// The hashes of a row of 'é' and NULL: of the bytes C3 A9 FF FE.
const fastKnown, strongKnown = "4017258221607566946", "17767649468116937815"

// unhashed asks the server for hashes that are known, and says what is in the way of others. Not all servers that speak
// MySQL's protocol put bytes between texts.
func (d *Database) unhashed(ctx context.Context) (why string, err error) {
	text := column{name: "a", nullable: true}
	forms := []form{{column: text, text: "'é'"}, {column: text, text: "NULL"}}
	rows, err := d.rows(ctx, "hash a row", "SELECT "+rowHash(forms, false)+","+rowHash(forms, true))
	switch {
	case errors.Is(err, job.ErrUnreadable):
		return "the server " + d.server + " refuses to compute hashes of rows", nil
	case err != nil:
		return "", err
	case len(rows) != 1 || string(rows[0][0]) != fastKnown || string(rows[0][1]) != strongKnown:
		return "the server " + d.server + " computes hashes of rows otherwise than MySQL", nil
	}
	return "", nil
}

// keyText is one text of a key.
func keyText(forms []form) string {
	if len(forms) == 1 {
		return forms[0].text
	}
	return rowText(forms)
}

// keyFirst are the pairs whose values are in a row's hash: what relates the
// sides, then everything else that is compared.
func keyFirst(r diff.Relation) []diff.Pair {
	pairs := slices.Clone(r.By)
	for _, pair := range r.Pairs {
		if !slices.ContainsFunc(r.By, func(by diff.Pair) bool { return by.Source == pair.Source && by.Destination == pair.Destination }) {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// rowHash is the hash of a row.
func rowHash(forms []form, strong bool) string {
	if strong {
		return unhexed(rowDigest(forms, strong))
	}
	return rowDigest(forms, strong) + "*" + strconv.Itoa(diff.OddFactor)
}

// unhexed is a strong digest as a number.
func unhexed(digest string) string { return "CAST(CONV(" + digest + ",16,10) AS UNSIGNED)" }

func rowDigest(forms []form, strong bool) string {
	if strong {
		return "LEFT(SHA2(" + rowText(forms) + ",256),16)"
	}
	return "CRC32(" + rowText(forms) + ")"
}

// Bytes that no UTF-8 text holds: one between the values of a row, one for
// NULL. A collation makes bytes of the whole row; without one a server would
// convert them to the columns' character set, and fail. One of the two is enough:
// that of NULL where a row may have some, for MariaDB computes the separator anew
// before every value.
const (
	separator = "x'FF'"
	nullMark  = "x'FE'"
	asBytes   = " COLLATE `binary`"
)

// rowText is one text of a row from which all its values could be read back, so
// that different rows have different texts. A value that may hold any byte
// stands behind its length. Lengths of all texts would cost a third of the fold.
func rowText(forms []form) string {
	parts := []string{separator + asBytes}
	if slices.ContainsFunc(forms, func(f form) bool { return f.column.nullable }) {
		parts[0] = separator
	}
	for _, f := range forms {
		length, text := "LENGTH("+f.text+")", f.text
		if f.column.nullable {
			length, text = "IFNULL("+length+","+nullMark+asBytes+")", "IFNULL("+f.text+","+nullMark+asBytes+")"
		}
		if f.bytes {
			parts = append(parts, length)
		}
		parts = append(parts, text)
	}
	return "CONCAT_WS(" + strings.Join(parts, ",") + ")"
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
