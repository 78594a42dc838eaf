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
			body, err := encode(test.form, r)
			require.NoError(t, err)
			require.Equal(t, test.want, string(body))
			require.True(t, json.Valid(body))
		})
	}
}

func TestBodyRefusesOtherNumberOfValues(t *testing.T) {
	t.Parallel()
	_, err := encode(job.BodySeed, job.Delivery{Columns: []string{"id", "name"}, Values: [][]byte{[]byte("geheim")}})
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
