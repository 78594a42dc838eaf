package diff_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	within := func(text string) diff.Options {
		r, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		return diff.Options{Within: r}
	}
	below := func(text string) diff.Options {
		o := within(text)
		o.Below = true
		return o
	}
	trim, noCase := diff.Options{Trim: true}, diff.Options{IgnoreCase: true}
	for name, c := range map[string]struct {
		rule    diff.Rule
		options diff.Options
		a, b    string
		equal   bool
	}{
		"trim":                        {diff.Bytes, trim, " a b ", "a b", true},
		"trim, within":                {diff.Bytes, trim, "a b", "ab", false},
		"trim, spaces alone":          {diff.Bytes, trim, "  ", "", true},
		"trim, a tab":                 {diff.Bytes, trim, "a\t", "a", false},
		"case":                        {diff.Bytes, noCase, "ÀbC", "àBc", true},
		"case, another letter":        {diff.Bytes, noCase, "à", "a", false},
		"case, another space":         {diff.Bytes, noCase, "a ", "A", false},
		"case of bytes":               {diff.Bytes, noCase, "\xffA", "\xffa", false},
		"both":                        {diff.Bytes, diff.Options{Trim: true, IgnoreCase: true}, " a", "A ", true},
		"tolerance":                   {diff.Number, within("0.01"), "1.00", "1.01", true},
		"tolerance, beyond":           {diff.Number, within("0.01"), "1.00", "1.0101", false},
		"tolerance, beyond 53 bits":   {diff.Number, within("1"), "9007199254740993", "9007199254740995", false},
		"tolerance, signs":            {diff.Number, within("1"), "-0.5", "0.5", true},
		"tolerance, no number":        {diff.Number, within("1"), "a", "b", false},
		"tolerance, same no number":   {diff.Number, within("1"), "a", "a", true},
		"tolerance, huge":             {diff.Number, within("1"), "1e999999999", "2e999999999", false},
		"tolerance, doubles as read":  {diff.Double, within("0.1"), "1.2", "1.3", true},
		"tolerance, tiny":             {diff.Double, within("0.1"), "5e-324", "-5e-324", true},
		"tolerance, largest":          {diff.Double, within("0.1"), "1.7976931348623157e308", "1.7976931348623155e308", false},
		"tolerance, floats":           {diff.Single, within("0.001"), "0.333333343", "0.333", true},
		"tolerance of times":          {diff.Time, within("2"), "2026-11-22 23:59:59", "2026-11-23 00:00:01", true},
		"tolerance of times, beyond":  {diff.Time, within("2"), "2026-11-22 23:59:58.9", "2026-11-23 00:00:01", false},
		"tolerance of spans":          {diff.Time, within("1"), "-00:00:00.5", "00:00:00.5", true},
		"tolerance of long spans":     {diff.Time, within("1"), "838:59:58", "838:59:59.000001", false},
		"tolerance, zero date":        {diff.Time, within("86400"), "0000-00-00 00:00:00", "0001-01-01 00:00:00", false},
		"tolerance, same zero date":   {diff.Time, within("86400"), "0000-00-00", "0000-00-00 00:00:00.000", true},
		"tolerance of days":           {diff.Time, within("86400"), "2026-02-28", "2026-03-01 00:00:00", true},
		"precision, cut":              {diff.Time, below("1"), "2026-11-22 10:00:00.999", "2026-11-22 10:00:00", true},
		"precision, rounded":          {diff.Time, below("1"), "2026-12-31 23:59:59.5", "2027-01-01 00:00:00", true},
		"precision, a unit":           {diff.Time, below("1"), "2026-11-22 10:00:00", "2026-11-22 10:00:01", false},
		"precision of a number":       {diff.Number, below("0.01"), "1.005", "1.01", true},
		"precision of a number, unit": {diff.Number, below("0.01"), "1.00", "1.01", false},
	} {
		pair := diff.Pair{Rule: c.rule, Options: c.options}
		require.Equal(t, c.equal, pair.Equal(diff.Value(c.a), diff.Value(c.b)), name)
		require.Equal(t, c.equal, pair.Equal(diff.Value(c.b), diff.Value(c.a)), name)
		require.False(t, pair.Equal(nil, diff.Value(c.b)), name)
		require.False(t, pair.Equal(diff.Value(c.a), nil), name)
		require.True(t, pair.Equal(nil, nil), name)
	}
}

func TestStrictRelation(t *testing.T) {
	t.Parallel()
	bent := people
	bent.Pairs = append([]diff.Pair{{Name: "name", Source: 1, Destination: 1, Options: diff.Options{IgnoreCase: true}}}, people.Pairs[2:]...)
	source, destination := []diff.Row{row("1", "ann", "30")}, []diff.Row{row("1", "ANN", "30")}
	require.True(t, bent.Overlooks())
	require.Equal(t, []diff.Outcome{{}}, bent.Compare(source, destination))
	strict := bent.Strict()
	require.False(t, strict.Overlooks())
	require.Equal(t, []diff.Outcome{{Verdict: diff.Different, Columns: []string{"name"}}}, strict.Compare(source, destination))
	require.True(t, bent.Overlooks(), "it is a copy")
}
