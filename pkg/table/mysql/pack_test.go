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
	one := identity{form: inWords, size: 4}
	marks, ok := fast.unpack(nil, one, nil)
	require.True(t, ok)
	require.Empty(t, marks)
	marks, ok = fast.unpack(marks, one, []byte("\x80\x00\x00\x07\xff\xff\xff\xff\xff\xff\xff\xff\x80\x00\x00\x00"))
	require.True(t, ok)
	require.Equal(t, []diff.Mark{{ID: 7, Hash: math.MaxInt32}, {ID: math.MaxInt32}}, marks)
	marks, ok = strong.unpack(nil, identity{form: inWords, size: 8, first: 1<<63 - 9}, []byte("\xff\xff\xff\xff\xff\xff\xff\xff"+"\x00\x01\x02\x03\x04\x05\x06\x07"))
	require.True(t, ok)
	require.Equal(t, []diff.Mark{{ID: 1<<63 - 1, Hash: 0x0001020304050607}}, marks)
	marks, ok = fast.unpack(nil, identity{form: asItIs, size: 3, first: 1<<40 + 0xF00000}, []byte("\xff\x00\x01\x80\x00\x00\x07"+"\xf0\x00\x00\x80\x00\x00\x08"))
	require.True(t, ok)
	require.Equal(t, []diff.Mark{{ID: 1<<40 + 0xFF0001, Hash: 7}, {ID: 1<<40 + 0xF00000, Hash: 8}}, marks)
	marks, ok = strong.unpack(marks[:1], identity{form: byPlace, first: math.MaxUint64}, []byte("\x00\x01\x02\x03\x04\x05\x06\x07\x00\x00\x00\x00\x00\x00\x00\x09"))
	require.True(t, ok)
	require.Equal(t, []diff.Mark{{ID: 1<<40 + 0xFF0001, Hash: 7}, {ID: math.MaxUint64, Hash: 0x0001020304050607}, {ID: 0, Hash: 9}}, marks)
	for _, cut := range []string{"\x80", "\x80\x00\x00\x07\x80\x00\x00"} {
		_, ok = fast.unpack(nil, one, []byte(cut))
		require.False(t, ok)
	}
}

func TestDensity(t *testing.T) {
	t.Parallel()
	var d density
	require.False(t, d.likely(), "of a table of which nothing is known")
	d.saw(true)
	require.True(t, d.likely())
	d.saw(false)
	require.False(t, d.likely())
	d.saw(true)
	for _, wait := range []int{2, 4, 8} {
		require.True(t, d.likely())
		d.wrong()
		for range wait {
			require.False(t, d.likely())
			d.saw(true)
		}
	}
}

// TestOneThread: of others it is not known in which order they read.
func TestOneThread(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"8.0.36", "8.4.2-log", "5.7.44-48", "8.0.36-28", "8.0.39-0ubuntu0.22.04.1", "10.11.6-MariaDB-0+deb12u1-log", "5.5.5-10.6.18-MariaDB", "11.4.2-MariaDB"} {
		require.True(t, oneThread.MatchString(version), version)
	}
	for _, version := range []string{"", "8.0.11-TiDB-v8.5.0", "5.7.25-OceanBase-v4.2.1", "8.0.30-Vitess", "5.6.29-TDDL-5.4.16", "8.0.mysql_aurora.3.04.0", "5.7.9-SingleStore"} {
		require.False(t, oneThread.MatchString(version), version)
	}
}

// FuzzUnpack: whatever a server answers, a mark has its bytes, and an ID lies in its stretch.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("\x80\x00\x00\x07\xff\xff\xff\xff"), false, 1, 4, uint64(5))
	f.Add([]byte("\x80\x00\x00\x07\xff\xff\xff\xff\xff\xff\xff\xff"), true, 1, 8, uint64(1<<63))
	f.Add([]byte("\x01\x00\x07\xff\xff\xff\xff"), false, 2, 3, uint64(1<<33))
	f.Add([]byte("\xff\xff\xff\xff"), false, 3, 0, uint64(9))
	f.Fuzz(func(t *testing.T, text []byte, strong bool, form, size int, first uint64) {
		i := identity{form: idForm(1 + form&0xF%3), first: first}
		switch i.form {
		case inWords:
			i.size = wordBytes << (size & 1)
		case asItIs:
			i.size = 1 + size&3
		}
		marks, ok := hashing{strong: strong}.unpack(nil, i, text)
		require.True(t, ok || len(marks) == 0)
		require.LessOrEqual(t, len(marks)*(i.size+wordBytes), len(text))
		for n, m := range marks {
			require.True(t, i.form == byPlace && m.ID == first+uint64(n) || i.form != byPlace && m.ID-first < uint64(1)<<i.bits())
		}
	})
}
