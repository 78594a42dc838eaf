package diff_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// people relates rows by number and compares number, name and age.
var people = diff.Relation{
	By: []diff.Pair{{Name: "number"}},
	Pairs: []diff.Pair{
		{Name: "number", Source: 0, Destination: 0},
		{Name: "name", Source: 1, Destination: 1},
		{Name: "age", Source: 2, Destination: 2, Rule: diff.Number},
	},
}

// null stands for NULL in a row of the tests.
const null = "NULL"

func row(values ...string) diff.Row {
	row := diff.Row{Values: make([]diff.Value, len(values))}
	for i, v := range values {
		if v != null {
			row.Values[i] = diff.Value(v)
		}
	}
	return row
}

func TestCompare(t *testing.T) {
	t.Parallel()
	different := func(columns ...string) diff.Outcome {
		return diff.Outcome{Verdict: diff.Different, Columns: columns}
	}
	for name, c := range map[string]struct {
		source, destination []diff.Row
		want                []diff.Outcome
	}{
		"equal": {
			[]diff.Row{row("1", "ann", "30"), row("2", null, "030")},
			[]diff.Row{row("2", null, "30.0"), row("1", "ann", "30")},
			[]diff.Outcome{{}, {}},
		},
		"missing": {
			[]diff.Row{row("1", "ann", "30")}, nil,
			[]diff.Outcome{{Verdict: diff.Missing}},
		},
		"without a key": {
			[]diff.Row{row(null, "ann", "30")}, []diff.Row{row(null, "ann", "30")},
			[]diff.Outcome{{Verdict: diff.Missing}},
		},
		"different": {
			[]diff.Row{row("1", "ann", "30"), row("2", "bob", "40")},
			[]diff.Row{row("1", "ann ", "31"), row("2", null, "40")},
			[]diff.Outcome{different("name", "age"), different("name")},
		},
		"several at the destination": {
			[]diff.Row{row("1", "ann", "30"), row("2", "bob", "40")},
			[]diff.Row{row("1", "ann", "30"), row("1", "ann", "30"), row("2", "bob", "40")},
			[]diff.Outcome{{Verdict: diff.Several}, {}},
		},
		"several at the source": {
			[]diff.Row{row("1", "ann", "30"), row("1", "bob", "40")},
			[]diff.Row{row("1", "ann", "30")},
			[]diff.Outcome{{Verdict: diff.Several}, {Verdict: diff.Several}},
		},
		"key of another case": {
			[]diff.Row{row("Abc", "ann", "30")}, []diff.Row{row("aBC ", "ann", "31")},
			[]diff.Outcome{{Verdict: diff.Respelled, Columns: []string{"number", "age"}}},
		},
		"exact before folded": {
			[]diff.Row{row("abc", "ann", "30"), row("ABC", "bob", "40")},
			[]diff.Row{row("ABC", "bob", "40")},
			[]diff.Outcome{{Verdict: diff.Missing}, {}},
		},
		"folded, two candidates": {
			[]diff.Row{row("abc", "ann", "30")},
			[]diff.Row{row("ABC", "ann", "30"), row("aBC", "ann", "30")},
			[]diff.Outcome{{Verdict: diff.Several}},
		},
		"more at the destination than asked for": {
			[]diff.Row{row("1", "ann", "30")}, []diff.Row{row("1", "ann", "30"), row("3", "eve", "50")},
			[]diff.Outcome{{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, people.Compare(c.source, c.destination))
		})
	}
}

func TestCompareByNumber(t *testing.T) {
	t.Parallel()
	relation := people
	relation.By = []diff.Pair{{Name: "number", Rule: diff.Number}}
	relation.Pairs = people.Pairs[1:]
	require.Equal(t, []diff.Outcome{{}},
		relation.Compare([]diff.Row{row("007", "ann", "1")}, []diff.Row{row("7", "ann", "1")}))
}

func TestCompareByTwoColumns(t *testing.T) {
	t.Parallel()
	relation := diff.Relation{
		By:    []diff.Pair{{Name: "region", Rule: diff.Number}, {Name: "code", Source: 1, Destination: 2}},
		Pairs: []diff.Pair{{Name: "name", Source: 2, Destination: 1}},
	}
	require.Equal(t, "region, code", relation.ByNames())
	source := []diff.Row{row("1", "a", "ann"), row("1", "b", "bob"), row("11", "a", "cid"), row("1", null, "dan"), row("2", "A", "eve"), row("12", "", "fay")}
	destination := []diff.Row{row("01", "ann", "a"), row("1", "other", "b"), row("1", "cid", "1a"), row("2.0", "eve", "a"), row("1", "fay", "2")}
	want := []diff.Outcome{{}, {Verdict: diff.Different, Columns: []string{"name"}}, {Verdict: diff.Missing}, {Verdict: diff.Missing},
		{Verdict: diff.Respelled, Columns: []string{"code"}}, {Verdict: diff.Missing}}
	require.Equal(t, want, relation.Compare(source, destination))
	back := relation.Reversed().Compare(destination, source)
	require.Equal(t, []diff.Verdict{diff.Equal, diff.Different, diff.Missing, diff.Respelled, diff.Missing},
		[]diff.Verdict{back[0].Verdict, back[1].Verdict, back[2].Verdict, back[3].Verdict, back[4].Verdict})
}

func TestKeysComeApartAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "columns")
		values := rapid.SliceOfN(rapid.StringMatching(`[:0-9a\x00\xff]{0,12}`), n, n)
		a, b := values.Draw(t, "a"), values.Draw(t, "b")
		one, ok := diff.NewKey(row(a...).Values...)
		require.True(t, ok)
		other, _ := diff.NewKey(row(b...).Values...)
		require.Equal(t, slices.Equal(a, b), one == other)
		require.Equal(t, row(a...).Values, one.Values(n))
		require.Nil(t, diff.Key("3:ab").Values(n+1))
	})
	_, ok := diff.NewKey(diff.Value("a"), nil)
	require.False(t, ok)
	require.Nil(t, diff.Key("-1:a").Values(2))
}

// TestCompareFindsEveryLoss loses and spoils rows and asks for exactly these.
func TestCompareFindsEveryLoss(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fates := rapid.SliceOfN(rapid.SampledFrom([]diff.Verdict{diff.Equal, diff.Missing, diff.Different, diff.Several}), 0, 40).Draw(t, "fates")
		var source, destination []diff.Row
		for i, fate := range fates {
			key := strconv.Itoa(i)
			source = append(source, row(key, "n"+key, key))
			switch fate {
			case diff.Equal:
				destination = append(destination, row(key, "n"+key, key+".0"))
			case diff.Different:
				destination = append(destination, row(key, "x"+key, key))
			case diff.Several:
				destination = append(destination, row(key, "n"+key, key), row(key, "n"+key, key))
			case diff.Missing:
			}
		}
		destination = rapid.Permutation(destination).Draw(t, "order")
		for i, outcome := range people.Compare(source, destination) {
			require.Equal(t, fates[i], outcome.Verdict, "row %d", i)
		}
	})
}

func TestHash(t *testing.T) {
	t.Parallel()
	hash := people.Hash(row("1", "ann", "30"))
	require.Len(t, hash, 16)
	require.Equal(t, hash, people.Hash(row("1", "ann", "30")))
	for _, other := range []diff.Row{row("1", "ann", "31"), row("1", null, "30"), row("1", "NULL ", "30"), row("1a", "nn", "30"), row("1", "ann3", "0")} {
		require.NotEqual(t, hash, people.Hash(other))
	}
	uncompared := row("1", "ann", "30", "also read")
	require.Equal(t, hash, people.Hash(uncompared))
}

func TestHashTellsRowsApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[1:N,]{0,3}`), 3, 3)
		a, b := row(values.Draw(t, "a")...), row(values.Draw(t, "b")...)
		require.Equal(t, rowsEqual(a, b), people.Hash(a) == people.Hash(b))
	})
}

func rowsEqual(a, b diff.Row) bool {
	for i := range a.Values {
		if !diff.Bytes.Equal(a.Values[i], b.Values[i]) {
			return false
		}
	}
	return true
}
