package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// origin is where a value came from. Defaults have none.
type origin struct {
	name    string        // as the user wrote it
	unit    time.Duration // of a bare number
	lenient bool          // numbers and truth values may be written as text
}

// walker turns a parsed file into keys and values: lists become numbered
// sections, so that every layer can be laid over every other.
type walker struct {
	*schema
	notes   *notes
	tree    map[string]any
	origins map[string]origin
	counts  map[string]int // elements by key of the list
	broken  []string       // paths whose value is no section or list
}

// walk visits one node. Pattern is folded, name is as the user wrote it.
func (w *walker) walk(pattern, name string, index []int, node any) {
	if l, ok := w.leaves[pattern]; ok {
		w.leaf(l, name, index, node)
		return
	}
	if list, ok := w.lists[pattern]; ok {
		w.list(list, pattern, name, index, node)
		return
	}
	w.section(pattern, name, index, node)
}

func (w *walker) leaf(l leaf, name string, index []int, node any) {
	key := keyOf(l.target, w.indexFor(l.target, index))
	if other, ok := w.origins[key]; ok {
		w.notes.mistake(key, Mistake{name, "found it besides " + other.name, "want one of the two"})
		return
	}
	w.origins[key] = origin{name: name, unit: l.unit, lenient: w.seed}
	put(w.tree, key, node)
}

// indexFor adds the number that the seed form's only job has.
func (w *walker) indexFor(target string, index []int) []int {
	if w.seed && strings.HasPrefix(target, jobsPattern) {
		return append([]int{0}, index...)
	}
	return index
}

func (w *walker) list(target, pattern, name string, index []int, node any) {
	key := keyOf(target, w.indexFor(target, index))
	elements, ok := node.([]any)
	if !ok {
		w.wrongKind(key, name, node, "want a list")
		return
	}
	w.counts[key] = len(elements)
	for i, element := range elements {
		put(w.tree, key+"."+strconv.Itoa(i), map[string]any{})
		w.section(pattern+"[]", fmt.Sprintf("%s[%d]", name, i), append(slices.Clip(index), i), element)
	}
}

func (w *walker) section(pattern, name string, index []int, node any) {
	if offCallback(pattern, node) {
		node = map[string]any{"off": true}
	}
	key := keyOf(pattern, index)
	members, ok := node.(map[string]any)
	if !ok {
		w.wrongKind(key, name, node, "want a section with "+strings.Join(w.children[pattern], ", "))
		return
	}
	for _, member := range slices.Sorted(maps.Keys(members)) {
		w.member(pattern, name, index, member, members[member])
	}
}

func (w *walker) wrongKind(key, name string, node any, want string) {
	w.broken = append(w.broken, name)
	w.notes.mistake(key, Mistake{name, "found " + kindOf(node), want})
}

// offCallback reports whether a callback section is written as the word off.
func offCallback(pattern string, node any) bool {
	return (pattern == "callback" || strings.HasSuffix(pattern, ".callback")) && (node == "off" || node == false)
}

func (w *walker) member(pattern, name string, index []int, member string, node any) {
	path := dotted(name, member)
	known := slices.ContainsFunc(w.children[pattern], func(child string) bool { return w.fold(child) == w.fold(member) })
	switch {
	case !known:
		w.unknown(keyOf(pattern, index), path, member, w.children[pattern])
	case node != nil: // a key without a value is not given
		w.walk(dotted(pattern, w.fold(member)), path, index, node)
	}
}

func (w *walker) unknown(key, path, member string, known []string) {
	if !showable(path) {
		path = path[:len(path)-len(member)] + "…"
	}
	m := Mistake{path, "unknown key", suggest(member, known)}
	if w.seed {
		w.notes.warn(m.String())
		return
	}
	w.notes.mistake(key, m)
}

func dotted(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// put sets a value at a dotted key.
func put(tree map[string]any, key string, value any) {
	parts := strings.Split(key, ".")
	last := len(parts) - 1
	for _, part := range parts[:last] {
		next, ok := tree[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[part] = next
		}
		tree = next
	}
	tree[parts[last]] = value
}
