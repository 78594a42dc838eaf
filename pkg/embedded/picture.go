package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// format is the version of the state file.
const format = 1

// picture is the whole state at one moment. As a file it is JSON with a line
// for each key, in the order of the keys.
type picture struct {
	Format int       `json:"format"`
	Saved  time.Time `json:"saved"`
	Keys   []entry   `json:"keys"`
}

// sort puts keys and the members of sets into an order that stays.
func (p picture) sort() {
	slices.SortFunc(p.Keys, func(a, b entry) int { return strings.Compare(a.Key, b.Key) })
	for _, e := range p.Keys {
		slices.Sort(e.Set)
	}
}

// encode writes the file.
func (p picture) encode(w io.Writer) error {
	head, err := json.Marshal(p.Saved)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `{"format":%d,"saved":%s,"keys":[`+"\n", p.Format, head); err != nil {
		return err
	}
	line := json.NewEncoder(w)
	line.SetEscapeHTML(false)
	for i, e := range p.Keys {
		if i > 0 {
			if _, err := io.WriteString(w, ","); err != nil {
				return err
			}
		}
		if err := line.Encode(e.readable()); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

// decode reads the file and checks that nothing is missing or unknown.
func decode(content []byte) (picture, error) {
	var p picture
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return picture{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return picture{}, errors.New("something follows the end of the state")
	}
	if p.Format != format {
		return picture{}, fmt.Errorf("it has format %d, this version reads format %d", p.Format, format)
	}
	for i, e := range p.Keys {
		var err error
		if p.Keys[i], err = e.raw(); err != nil {
			return picture{}, fmt.Errorf("key %d of the file: %w", i+1, err)
		}
	}
	return p, nil
}

// restore fills an empty server; keys whose time has passed stay away.
func restore(m *miniredis.Miniredis, p picture, now time.Time) error {
	for _, e := range p.Keys {
		if !e.Expires.IsZero() && !e.Expires.After(now) {
			continue
		}
		if m.Exists(e.Key) {
			return fmt.Errorf("key %q is there twice", e.Key)
		}
		if err := restoreValue(m, e); err != nil {
			return fmt.Errorf("key %q: %w", e.Key, err)
		}
		if !e.Expires.IsZero() {
			m.SetTTL(e.Key, e.Expires.Sub(now))
		}
	}
	return nil
}
