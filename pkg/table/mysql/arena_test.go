package mysql

import (
	"database/sql/driver"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// TestArenaKeepsWhatWasRead: an empty text is no NULL, wherever it stands, and no
// value reaches into another's memory.
func TestArenaKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", arenaTexts)
	var a arena
	var rows [][]diff.Value
	for range 3000 { // more than one piece of each kind
		rows = append(rows, a.row([]driver.Value{[]byte{}, nil, int64(-7), uint64(1) << 63, 0.5, float32(0.1), []byte(long), []byte("é"), []byte{}}))
	}
	for _, row := range rows {
		for i, want := range []string{"", "", "-7", "9223372036854775808", "0.5", "0.1", long, "é", ""} {
			require.Equal(t, want, string(row[i]))
			require.Equal(t, i == 1, row[i] == nil, "%q", want)
		}
		_ = append(row[7], '!')
	}
	require.Equal(t, "é", string(rows[0][7]))
	require.Empty(t, rows[0][8])
	require.NotNil(t, shown([]byte{}))
	require.Nil(t, shown(nil))
}
