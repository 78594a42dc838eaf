package diff_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/masixun71/cupid-go/pkg/diff"
)

func TestRuleEqual(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule  diff.Rule
		a, b  string
		equal bool
	}{
		"bytes":                      {diff.Bytes, "a", "a", true},
		"bytes of another case":      {diff.Bytes, "a", "A", false},
		"bytes with a space":         {diff.Bytes, "a", "a ", false},
		"decimal scale":              {diff.Number, "1.50", "1.5000", true},
		"zerofill":                   {diff.Number, "00042", "42", true},
		"sign":                       {diff.Number, "+7", "7", true},
		"another sign":               {diff.Number, "-7", "7", false},
		"negative zero":              {diff.Number, "-0.00", "0", true},
		"trailing zeros count":       {diff.Number, "100", "1", false},
		"beyond 53 bits":             {diff.Number, "9007199254740992", "9007199254740993", false},
		"beyond 64 bits":             {diff.Number, "184467440737095516150", "18446744073709551615", false},
		"exponent":                   {diff.Number, "1e2", "100", true},
		"no number":                  {diff.Number, "1a", "1", false},
		"the same without number":    {diff.Number, "1a", "1a", true},
		"empty is not zero":          {diff.Number, "", "0", false},
		"double text":                {diff.Double, "0.10", "1e-1", true},
		"double":                     {diff.Double, "0.1", "0.10000000149011612", false},
		"single":                     {diff.Single, "0.1", "0.10000000149011612", true},
		"single, next value":         {diff.Single, "16777216", "16777218", false},
		"double, negative zero":      {diff.Double, "-0", "0", true},
		"json key order":             {diff.JSON, `{"a":1,"b":[2, null]}`, `{ "b":[2,null],"a":1 }`, true},
		"json list order":            {diff.JSON, `[1,2]`, `[2,1]`, false},
		"json 1 and 1.0":             {diff.JSON, `1`, `1.0`, true},
		"json number and text":       {diff.JSON, `1`, `"1"`, false},
		"json big integers":          {diff.JSON, `[9007199254740992]`, `[9007199254740993]`, false},
		"json escapes":               {diff.JSON, `"\u00e9"`, `"é"`, true},
		"json null and empty":        {diff.JSON, `null`, ``, false},
		"json huge exponent":         {diff.JSON, `1e999999999999999999`, `1e999999999999999998`, false},
		"json large exponent":        {diff.JSON, `1e999999999`, `10e999999998`, true},
		"json half surrogates":       {diff.JSON, `"\ud800"`, `"\uD801"`, false},
		"json invalid bytes":         {diff.JSON, "\"\xff\"", "\"\xfe\"", false},
		"json with more behind":      {diff.JSON, `1 2`, `1 3`, false},
		"json text with a separator": {diff.JSON, `["a,","b"]`, `["a",",b"]`, false},
		"not json, the same":         {diff.JSON, `{`, `{`, true},
		"fraction":                   {diff.Time, "2026-11-22 10:00:01", "2026-11-22 10:00:01.000", true},
		"another fraction":           {diff.Time, "2026-11-22 10:00:01.5", "2026-11-22 10:00:01", false},
		"fraction with zeros":        {diff.Time, "10:00:01.50", "10:00:01.500000", true},
		"date and midnight":          {diff.Time, "2026-11-22", "2026-11-22 00:00:00", true},
		"zero dates":                 {diff.Time, "0000-00-00", "0000-00-00 00:00:00.000000", true},
		"whole tens stay":            {diff.Time, "10:00:10", "10:00:1", false},
		"set":                        {diff.Set, "x,y", "y,x", true},
		"other set":                  {diff.Set, "x,y", "x", false},
		"char":                       {diff.SpacePadded, "a", "a  ", true},
		"char beginning":             {diff.SpacePadded, " a", "a", false},
		"binary":                     {diff.ZeroPadded, "a", "a\x00\x00", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.equal, c.rule.Equal(diff.Value(c.a), diff.Value(c.b)))
			require.Equal(t, c.equal, c.rule.Equal(diff.Value(c.b), diff.Value(c.a)))
		})
	}
}

var rules = []diff.Rule{diff.Bytes, diff.Number, diff.Double, diff.Single, diff.JSON, diff.Time, diff.Set, diff.SpacePadded, diff.ZeroPadded}

// text is short and of few letters, so that equal values come up.
func text() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching(`[-+]?[01]{0,3}\.?[01e]{0,3}`), rapid.StringMatching(`[a ,\x00"\[\]{}:1]{0,5}`))
}

func TestEveryRuleIsAnEquivalence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom(rules).Draw(t, "rule")
		a, b, c := diff.Value(text().Draw(t, "a")), diff.Value(text().Draw(t, "b")), diff.Value(text().Draw(t, "c"))
		require.True(t, rule.Equal(a, a), "itself")
		require.Equal(t, rule.Equal(a, b), rule.Equal(b, a), "both ways")
		if rule.Equal(a, b) && rule.Equal(b, c) {
			require.True(t, rule.Equal(a, c), "over a third")
		}
		require.False(t, rule.Equal(a, nil))
		require.True(t, rule.Equal(nil, nil))
	})
}

func TestNumbersCompareByValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?[0-9]{1,40}(\.[0-9]{1,10})?`).Draw(t, "digits")
		padded := digits
		if rapid.Bool().Draw(t, "fraction") {
			if !strings.Contains(padded, ".") {
				padded += "."
			}
			padded += rapid.StringMatching(`0{1,5}`).Draw(t, "zeros")
		}
		require.True(t, diff.Number.Equal(diff.Value(digits), diff.Value(padded)), padded)
		other := digits + "1"
		if strings.Contains(digits, ".") {
			require.False(t, diff.Number.Equal(diff.Value(digits), diff.Value(other)), other)
		}
	})
}
