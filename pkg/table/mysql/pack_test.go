package mysql

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

func TestUnpack(t *testing.T) {
	t.Parallel()
	fast, strong := hashing{}, hashing{strong: true}
	one := identity{words: 1}
	marks, ok := fast.unpack(nil, one, nil)
	require.True(t, ok)
	require.Empty(t, marks)
	marks, ok = fast.unpack(marks, one, []byte("\x80\x00\x00\x07\xff\xff\xff\xff\xff\xff\xff\xff\x80\x00\x00\x00"))
	require.True(t, ok)
	require.Equal(t, []diff.Mark{{ID: 7, Hash: math.MaxInt32}, {ID: math.MaxInt32}}, marks)
	marks, ok = strong.unpack(nil, identity{words: 2, first: 1<<63 - 9}, []byte("\xff\xff\xff\xff\xff\xff\xff\xff"+"\x00\x01\x02\x03\x04\x05\x06\x07"))
	require.True(t, ok)
	require.Equal(t, []diff.Mark{{ID: 1<<63 - 1, Hash: 0x0001020304050607}}, marks)
	for _, cut := range []string{"\x80", "\x80\x00\x00\x07\x80\x00\x00"} {
		_, ok = fast.unpack(nil, one, []byte(cut))
		require.False(t, ok)
	}
}

// FuzzUnpack: whatever a server answers, a mark has its bytes, and an ID lies in its stretch.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("\x80\x00\x00\x07\xff\xff\xff\xff"), false, 1, uint64(5))
	f.Add([]byte("\x80\x00\x00\x07\xff\xff\xff\xff\xff\xff\xff\xff"), true, 2, uint64(1<<63))
	f.Fuzz(func(t *testing.T, text []byte, strong bool, words int, first uint64) {
		i := identity{words: 1 + words&1, first: first}
		marks, ok := hashing{strong: strong}.unpack(nil, i, text)
		require.True(t, ok || len(marks) == 0)
		require.LessOrEqual(t, len(marks)*2*wordBytes, len(text))
		for _, m := range marks {
			require.Less(t, m.ID-first, uint64(1)<<(i.words*wordBits))
		}
	})
}
