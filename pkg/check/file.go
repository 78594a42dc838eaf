package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// fileVersion changes with the form of a state.
const fileVersion = 2

// File keeps the states of several comparisons, so that a run that was killed
// goes on where everything is done.
type File struct {
	path string
	form fileForm
}

type fileForm struct {
	Version int               `json:"version"`
	Spec    string            `json:"spec"`
	States  map[string]*State `json:"states"`
}

// ErrState says that a state file cannot be used; only a person can decide to remove it.
var ErrState = errors.New("the state file cannot be used")

// OpenFile reads a state file, or begins one. spec is a fingerprint of all that
// the comparisons depend on: a file of another one is refused with ErrState.
func OpenFile(path, spec string) (*File, error) {
	f := &File{path: path, form: fileForm{Version: fileVersion, Spec: spec, States: map[string]*State{}}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	var found fileForm
	switch err := json.Unmarshal(text, &found); {
	case err != nil:
		return nil, fmt.Errorf("%w: %s is no state of a comparison: %w; remove it to begin anew", ErrState, path, err)
	case found.Version != fileVersion:
		return nil, fmt.Errorf("%w: %s has the version %d, this program knows %d; remove it to begin anew", ErrState, path, found.Version, fileVersion)
	case found.Spec != spec:
		return nil, fmt.Errorf("%w: %s belongs to a comparison of other tables or with other options; name another file, or remove it to begin anew", ErrState, path)
	}
	for name, state := range found.States {
		if state != nil {
			f.form.States[name] = state
		}
	}
	return f, nil
}

// State is what is known of a comparison; nil when it has not begun.
func (f *File) State(name string) *State { return f.form.States[name] }

// Save keeps the state of a comparison: after a crash the file holds it, or
// what it held before.
func (f *File) Save(name string, s *State) error {
	f.form.States[name] = s
	text, err := json.Marshal(f.form)
	if err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	if err := replace(f.path, text); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	return nil
}

// Remove ends the file's life.
func (f *File) Remove() error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the state: %w", err)
	}
	return nil
}

// replace writes a file so that at every instant either the old or the new one is there.
func replace(path string, text []byte) error {
	temporary := path + ".tmp" // one name: what a kill leaves behind is overwritten
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, path)
}
