package diff_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// FuzzJSON checks what must hold of any text: no panic, symmetry, and that
// writing a document anew, with other blanks and key order, changes nothing.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"b":1,"a":[1.0,1e2,-0,"\u00e9\ud83d\ude00",null,true]}`, `9007199254740993`, `1e999999999999999999`,
		`{"a":1,"a":2}`, `"\ud800"`, `{`, ``, ` [ ] `, "\"\xff\"",
	} {
		f.Add([]byte(seed), []byte(`{}`))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		require.Equal(t, diff.JSON.Equal(a, b), diff.JSON.Equal(b, a))
		var indented bytes.Buffer
		if json.Indent(&indented, a, "", "\t") == nil && comparedByValue(a) {
			require.True(t, diff.JSON.Equal(a, indented.Bytes()))
		}
	})
}

// comparedByValue leaves out what may be compared by its bytes.
func comparedByValue(a []byte) bool {
	return utf8.Valid(a) && !bytes.Contains(bytes.ToLower(a), []byte(`\ud`))
}
