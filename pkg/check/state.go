package check

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/masixun71/cupid-go/pkg/diff"
)

// State is how far a comparison is: enough to go on after a kill. It holds keys
// of rows that differ, no other value of a row.
type State struct {
	// Rows are those that have a key.
	SourceRows       uint64 `json:"source_rows"`
	DestinationRows  uint64 `json:"destination_rows"`
	SourceNulls      uint64 `json:"source_nulls,omitempty"`
	DestinationNulls uint64 `json:"destination_nulls,omitempty"`

	Walks    map[string]place    `json:"walks"`
	Cuts     map[string][]string `json:"cuts,omitempty"`   // ends of the stretches that were folded, by side
	Passes   int                 `json:"passes,omitempty"` // of listing that are done
	Folds    map[string]*folds   `json:"folds,omitempty"`  // by side
	Suspects []suspect           `json:"suspects,omitempty"`
	Beyond   map[Kind]uint64     `json:"beyond,omitempty"`
	// Respelled: a source row's partner shows another spelling of its key.
	Respelled bool `json:"respelled,omitempty"`

	suspects suspects
}

// place is how far a walk is.
type place struct {
	After string `json:"after"` // a place's text; everything up to it is done
	Done  bool   `json:"done,omitempty"`
}

// open makes a state usable, whether it is new or was read.
func (s *State) open(most int) {
	if s.Walks == nil {
		s.Walks = map[string]place{}
	}
	if s.Cuts == nil {
		s.Cuts = map[string][]string{}
	}
	if s.Folds == nil {
		s.Folds = map[string]*folds{}
	}
	if s.suspects.known != nil {
		return
	}
	s.suspects = suspects{most: most, known: map[diff.Key]Kind{}, beyond: map[Kind]uint64{}}
	for _, x := range s.Suspects {
		s.suspects.add(diff.Key(x.Key), x.Kind)
	}
	maps.Copy(s.suspects.beyond, s.Beyond)
	s.Suspects = nil
}

// MarshalJSON writes the suspects with the rest.
func (s *State) MarshalJSON() ([]byte, error) {
	type bare State
	written := bare(*s)
	if s.suspects.known != nil {
		written.Suspects, written.Beyond = s.suspects.all(), s.suspects.beyond
	}
	return json.Marshal(written)
}

// halves is how many values half of a 32-bit hash has.
const halves = 1 << 16

// folds are those of one side's rows by the lower half of their keys' hashes,
// then those by the upper half.
type folds [2 * halves]fold

type fold struct{ rows, hash, unhashed uint64 }

// merge adds what was found in another stretch.
func (f *folds) merge(found []diff.Mark) {
	for _, m := range found {
		for _, at := range [...]*fold{&f[m.ID%halves], &f[halves+m.ID/halves%halves]} {
			at.rows++
			if m.Unhashed() {
				at.unhashed++
			} else {
				at.hash ^= m.Hash * diff.OddFactor
			}
		}
	}
}

// foldBytes is a fold in a state: its number, then its three.
const foldBytes = 4 + 3*8

// MarshalJSON writes the folds that have rows as one base64 text.
func (f *folds) MarshalJSON() ([]byte, error) {
	var text []byte
	for id, b := range f {
		if b.rows == 0 {
			continue
		}
		text = binary.LittleEndian.AppendUint32(text, uint32(id))
		for _, n := range []uint64{b.rows, b.hash, b.unhashed} {
			text = binary.LittleEndian.AppendUint64(text, n)
		}
	}
	return json.Marshal(text)
}

var errFolds = errors.New("the state holds damaged folds")

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *folds) UnmarshalJSON(text []byte) error {
	var raw []byte
	if err := json.Unmarshal(text, &raw); err != nil || len(raw)%foldBytes != 0 {
		return errors.Join(errFolds, err)
	}
	for b := range slices.Chunk(raw, foldBytes) {
		id := binary.LittleEndian.Uint32(b)
		if id >= uint32(len(f)) {
			return errFolds
		}
		number := func(i int) uint64 { return binary.LittleEndian.Uint64(b[4+8*i:]) }
		f[id] = fold{rows: number(0), hash: number(1), unhashed: number(2)}
	}
	return nil
}

// save keeps the state, now or when enough time has passed since the last one.
func (c *comparison) save(now bool) error {
	if c.options.Save == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	began := time.Now()
	if !now && began.Before(c.nextSave) {
		return nil
	}
	err := c.options.Save(c.state)
	// A large state takes its time: not more than a twentieth of it all.
	const share = 20
	c.nextSave = began.Add(max(c.limits.savePause, share*time.Since(began)))
	return err
}
