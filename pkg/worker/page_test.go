package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

func TestUnequalNamesEachRowWithoutExactlyOneEqualCopy(t *testing.T) {
	t.Parallel()
	row := func(scanKey string, key diff.Key, hash uint64) diff.Hashed {
		return diff.Hashed{Row: scanKey, Key: key, Hash: hash}
	}
	rows := []diff.Hashed{
		row("1", "equal", 1), row("2", "changed", 2), row("3", "missing", 3), {Row: "4", Key: "unhashed here", Unhashed: true},
		row("5", "unhashed there", 5), row("6", "two copies", 6), row("7", "shared", 7), row("8", "shared", 7),
		{Row: "9", Null: true, Unhashed: true},
	}
	copies := []diff.Hashed{
		{Key: "equal", Hash: 1},
		{Key: "changed", Hash: 20},
		{Key: "unhashed here", Hash: 4},
		{Key: "unhashed there", Unhashed: true},
		{Key: "two copies", Hash: 6},
		{Key: "two copies", Hash: 6},
		{Key: "shared", Hash: 7},
		{Key: "nobody's", Hash: 8},
	}
	require.Equal(t, []string{"2", "3", "4", "5", "6", "7", "8", "9"}, unequal(rows, copies))
}
