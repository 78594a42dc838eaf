package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

func TestUnequalNamesEachRowWithoutExactlyOneEqualCopy(t *testing.T) {
	t.Parallel()
	hash := func(n uint64) *uint64 { return &n }
	row := func(scanKey string, key diff.Key, hash *uint64) diff.Hashed {
		return diff.Hashed{Row: scanKey, Key: key, Hash: hash}
	}
	rows := []diff.Hashed{
		row("1", "equal", hash(1)), row("2", "changed", hash(2)), row("3", "missing", hash(3)), row("4", "unhashed here", nil),
		row("5", "unhashed there", hash(5)), row("6", "two copies", hash(6)), row("7", "shared", hash(7)), row("8", "shared", hash(7)),
		{Row: "9", Null: true},
	}
	copies := []diff.Hashed{
		{Key: "equal", Hash: hash(1)},
		{Key: "changed", Hash: hash(20)},
		{Key: "unhashed here", Hash: hash(4)},
		{Key: "unhashed there", Hash: nil},
		{Key: "two copies", Hash: hash(6)},
		{Key: "two copies", Hash: hash(6)},
		{Key: "shared", Hash: hash(7)},
		{Key: "nobody's", Hash: hash(8)},
	}
	require.Equal(t, []string{"2", "3", "4", "5", "6", "7", "8", "9"}, unequal(rows, copies))
}
