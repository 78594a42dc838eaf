package embedded

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alicebob/miniredis/v2"
)

// entry is one key; exactly one of the values is there.
type entry struct {
	Key     string            `json:"key"`
	Expires time.Time         `json:"expires,omitzero"`
	Base64  bool              `json:"base64,omitempty"` // every text here is encoded, for some is not UTF-8
	String  *string           `json:"string,omitempty"`
	List    []string          `json:"list,omitempty"`
	Set     []string          `json:"set,omitempty"`
	Hash    map[string]string `json:"hash,omitempty"`
	ZSet    map[string]string `json:"zset,omitempty"` // member to score, as Redis writes it
}

// readable turns an entry with any text that JSON cannot hold to base64.
func (e entry) readable() entry {
	if e.valid() {
		return e
	}
	e, _ = e.texts(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil })
	e.Base64 = true
	return e
}

func (e entry) valid() bool {
	if !utf8.ValidString(e.Key) || e.String != nil && !utf8.ValidString(*e.String) {
		return false
	}
	for _, s := range slices.Concat(e.List, e.Set) {
		if !utf8.ValidString(s) {
			return false
		}
	}
	for field, value := range e.Hash {
		if !utf8.ValidString(field) || !utf8.ValidString(value) {
			return false
		}
	}
	for member := range e.ZSet {
		if !utf8.ValidString(member) {
			return false
		}
	}
	return true
}

// raw is the inverse of readable, and refuses what is not a key with one value.
func (e entry) raw() (entry, error) {
	values := 0
	for _, has := range []bool{e.String != nil, len(e.List) > 0, len(e.Set) > 0, len(e.Hash) > 0, len(e.ZSet) > 0} {
		if has {
			values++
		}
	}
	if values != 1 {
		return entry{}, fmt.Errorf("it has %d values, want one of string, list, set, hash, zset", values)
	}
	if !e.Base64 {
		return e, nil
	}
	e.Base64 = false
	return e.texts(func(s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		return string(b), err
	})
}

// texts returns a copy with f applied to every text but the scores.
func (e entry) texts(f func(string) (string, error)) (entry, error) {
	var errs []error
	do := func(s string) string {
		s, err := f(s)
		errs = append(errs, err)
		return s
	}
	all := func(list []string) []string {
		out := slices.Clone(list)
		for i := range out {
			out[i] = do(out[i])
		}
		return out
	}
	e.Key = do(e.Key)
	if e.String != nil {
		s := do(*e.String)
		e.String = &s
	}
	e.List, e.Set = all(e.List), all(e.Set)
	hash, zset := e.Hash, e.ZSet
	e.Hash, e.ZSet = make(map[string]string, len(hash)), make(map[string]string, len(zset))
	for field, value := range hash {
		e.Hash[do(field)] = do(value)
	}
	for member, score := range zset {
		e.ZSet[do(member)] = score
	}
	return e, errors.Join(errs...)
}

// restoreValue puts the value into an empty place.
func restoreValue(m *miniredis.Miniredis, e entry) error {
	var errs []error
	if e.String != nil {
		errs = append(errs, m.Set(e.Key, *e.String))
	}
	if len(e.List) > 0 {
		_, err := m.RPush(e.Key, e.List...)
		errs = append(errs, err)
	}
	if len(e.Set) > 0 {
		_, err := m.SAdd(e.Key, e.Set...)
		errs = append(errs, err)
	}
	for field, value := range e.Hash {
		m.HSet(e.Key, field, value)
	}
	for member, text := range e.ZSet {
		score, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return fmt.Errorf("score %q is not a number", text)
		}
		_, err = m.ZAdd(e.Key, score, member)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
