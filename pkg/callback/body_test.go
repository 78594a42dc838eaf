package callback

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/masixun71/cupid-go/pkg/job"
)

func TestBody(t *testing.T) {
	t.Parallel()
	r := job.Delivery{
		Type:    job.Missing,
		Columns: []string{"id", "name", "avatar"},
		Values:  [][]byte{[]byte("7"), []byte("x"), nil},
	}
	for name, test := range map[string]struct {
		form  job.BodyForm
		names []byte
		want  string
	}{
		"seed":         {job.BodySeed, []byte("x"), `{"type":1,"srcColumn":{"id":"7","name":"x","avatar":null}}`},
		"row":          {job.BodyRow, []byte("x"), `{"id":"7","name":"x","avatar":null}`},
		"empty text":   {job.BodyRow, []byte{}, `{"id":"7","name":"","avatar":null}`},
		"no HTML":      {job.BodyRow, []byte("<a&b>"), `{"id":"7","name":"<a&b>","avatar":null}`},
		"escapes":      {job.BodyRow, []byte("\"\\/\n\r\t\x00\x1f\x7f"), `{"id":"7","name":"\"\\/\n\r\t\u0000\u001f` + "\x7f" + `","avatar":null}`},
		"text":         {job.BodyRow, []byte("多平台 \U0001F600"), `{"id":"7","name":"多平台 ` + "\U0001F600" + `","avatar":null}`},
		"broken UTF-8": {job.BodyRow, []byte("a\xff\xfeb\xe4\xb8"), `{"id":"7","name":"a` + "\ufffd\ufffdb\ufffd\ufffd" + `","avatar":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := r
			r.Values = [][]byte{[]byte("7"), test.names, nil}
			body, _, err := body{form: test.form}.encode(r)
			require.NoError(t, err)
			require.Equal(t, test.want, string(body))
			require.True(t, json.Valid(body))
		})
	}
}

func TestExtendedBody(t *testing.T) {
	t.Parallel()
	r := job.Delivery{
		Job: "db.user", Destination: "db2.user", Type: job.Different, Columns: []string{"id", "Number", "name"},
		Values: [][]byte{[]byte("7"), []byte("n7"), nil}, Key: []string{"number"}, Differing: []string{"name"},
		DestinationColumns: []string{"no", "nick"}, DestinationValues: [][]byte{[]byte("n7"), []byte(`"x"`)},
	}
	text, leftOut, err := body{form: job.BodyExtended}.encode(r)
	require.NoError(t, err)
	require.Empty(t, leftOut)
	want := `{"type":2,"job":"db.user","destination":"db2.user","key":{"Number":"n7"},"columns":["name"],` +
		`"srcColumn":{"id":"7","Number":"n7","name":null},"desColumn":{"no":"n7","nick":"\"x\""}}`
	require.Equal(t, want, string(text))
	r.Type, r.Differing, r.DestinationColumns, r.DestinationValues = job.Missing, nil, nil, nil
	text, _, err = body{form: job.BodyExtended}.encode(r)
	require.NoError(t, err)
	want = `{"type":1,"job":"db.user","destination":"db2.user","key":{"Number":"n7"},"srcColumn":{"id":"7","Number":"n7","name":null}}`
	require.Equal(t, want, string(text))
}

// TestLargeRowsLeaveOutTheirLargestColumns, never the key, and say which.
func TestLargeRowsLeaveOutTheirLargestColumns(t *testing.T) {
	t.Parallel()
	r := job.Delivery{
		Type: job.Missing, Columns: []string{"number", "photo", "name", "notes"}, Key: []string{"number"},
		Values: [][]byte{[]byte(strings.Repeat("k", 900)), []byte(strings.Repeat("p", 500)), []byte("x"), []byte(strings.Repeat("n", 300))},
	}
	for most, c := range map[int]struct {
		leftOut []string
		row     string // behind the number
	}{
		0:    {nil, `,"photo":"` + strings.Repeat("p", 500) + `","name":"x","notes":"` + strings.Repeat("n", 300) + `"`},
		5000: {nil, `,"photo":"` + strings.Repeat("p", 500) + `","name":"x","notes":"` + strings.Repeat("n", 300) + `"`},
		1300: {[]string{"photo"}, `,"name":"x","notes":"` + strings.Repeat("n", 300) + `"`},
		1000: {[]string{"photo", "notes"}, `,"name":"x"`},
		10:   {[]string{"photo", "notes", "name"}, ``},
	} {
		row := `{"number":"` + strings.Repeat("k", 900) + `"` + c.row + `}`
		text, leftOut, err := body{form: job.BodyRow, most: most}.encode(r)
		require.NoError(t, err)
		require.Equal(t, c.leftOut, leftOut)
		require.Equal(t, row, string(text))
		text, _, err = body{form: job.BodySeed, most: most}.encode(r)
		require.NoError(t, err)
		said := ""
		if len(c.leftOut) > 0 {
			said = `"leftOut":["` + strings.Join(c.leftOut, `","`) + `"],`
		}
		require.Equal(t, `{"type":1,`+said+`"srcColumn":`+row+`}`, string(text))
	}
}

func TestBodyRefusesOtherNumberOfValues(t *testing.T) {
	t.Parallel()
	_, _, err := body{form: job.BodySeed}.encode(job.Delivery{Columns: []string{"id", "name"}, Values: [][]byte{[]byte("geheim")}})
	require.EqualError(t, err, "2 columns but 1 values")
}

func FuzzAppendText(f *testing.F) {
	f.Add([]byte("a\xff\"\\\n\u2028<"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var back string
		require.NoError(t, json.Unmarshal(appendText(nil, text), &back))
		require.Equal(t, replaceEachByte(text), back)
	})
}

// replaceEachByte is what a body makes of bytes that are not UTF-8.
func replaceEachByte(text []byte) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		b.WriteRune(r)
		i += size
	}
	return b.String()
}
