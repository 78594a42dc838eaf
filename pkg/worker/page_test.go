package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

func TestUnequalNamesEachRowWithoutExactlyOneEqualCopy(t *testing.T) {
	t.Parallel()
	hash := func(n uint64) *uint64 { return &n }
	row := func(key, value string) diff.Row {
		return diff.Row{Key: key, Values: []diff.Value{diff.Value(value)}}
	}
	rows := []diff.Row{
		row("1", "equal"), row("2", "changed"), row("3", "missing"), row("4", "unhashed here"), row("5", "unhashed there"),
		row("6", "two copies"), row("7", "shared"), row("8", "shared"), {Key: "9", Values: []diff.Value{nil}},
	}
	hashes := []*uint64{hash(1), hash(2), hash(3), nil, hash(5), hash(6), hash(7), hash(7), hash(9)}
	copies := []diff.Hashed{
		{Key: diff.Value("equal"), Hash: hash(1)},
		{Key: diff.Value("changed"), Hash: hash(20)},
		{Key: diff.Value("unhashed here"), Hash: hash(4)},
		{Key: diff.Value("unhashed there"), Hash: nil},
		{Key: diff.Value("two copies"), Hash: hash(6)},
		{Key: diff.Value("two copies"), Hash: hash(6)},
		{Key: diff.Value("shared"), Hash: hash(7)},
		{Key: diff.Value("nobody's"), Hash: hash(8)},
	}
	require.Equal(t, []string{"2", "3", "4", "5", "6", "7", "8", "9"}, unequal(rows, hashes, copies))
}
