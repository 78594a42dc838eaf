package config

import (
	"maps"
	"slices"
	"strings"
)

const (
	environPrefix = "CUPID_"
	testPrefix    = "CUPID_TEST_" // of the test suite, nothing of ours
)

// environment maps CUPID_… variables to keys.
type environment struct {
	*walker
	values  map[string]string
	names   map[string]string // variable, with N for every number: pattern
	unknown []string
}

func newEnvironment(environ []string, w *walker) *environment {
	e := &environment{walker: w, values: map[string]string{}, names: map[string]string{}}
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok {
			e.values[name] = value
		}
	}
	for _, setting := range Defaults() {
		for _, place := range places(setting.Key) {
			e.names[environName(place)] = place
		}
	}
	for _, a := range aliases {
		e.names[environName(a.alias)] = a.key
	}
	return e
}

// sorted gives the variables in the order of their names, so that warnings
// stand in one order too.
func (e *environment) sorted() []string {
	var lines []string
	for name, value := range e.values {
		lines = append(lines, name+"="+value)
	}
	slices.Sort(lines)
	return lines
}

// key is the transformation of koanf's provider: "" leaves a variable out. An
// empty variable counts as not set: compose files pass those on.
func (e *environment) key(name, value string) (string, any) {
	if value == "" || strings.HasPrefix(name, testPrefix) {
		return "", nil
	}
	general, index := withoutNumbers(name)
	pattern, known := e.names[general]
	if !known {
		e.unknown = append(e.unknown, name)
		return "", nil
	}
	key := keyOf(pattern, index)
	if !e.exists(key) {
		e.notes.mistake("", Mistake{name, "found no such element in the file", "want a number below the count of the list, from 0"})
		return "", nil
	}
	e.origins[key] = origin{name: name, lenient: true}
	return key, value
}

// warnUnknown speaks of variables that are neither a setting nor a secret that
// the file names as ${NAME}.
func (e *environment) warnUnknown(expanded map[string]bool) {
	known := slices.Sorted(maps.Keys(e.names))
	for _, name := range e.unknown {
		if !expanded[name] {
			general, _ := withoutNumbers(name)
			e.notes.warn(Mistake{name, "unknown variable", nearestOr(general, known, "want CUPID_ and the name of a setting")}.String())
		}
	}
}

// exists reports whether every list on the way to key is that long.
func (e *environment) exists(key string) bool {
	pattern, index := patternOf(key)
	return (len(index) < 1 || index[0] < e.counts["jobs"]) &&
		(len(index) < 2 || index[1] < e.counts[keyOf("jobs[].destinations", index[:1])]) &&
		!strings.Contains(keyOf(pattern, index), "[]")
}

// withoutNumbers replaces each number between the words of a name by N.
func withoutNumbers(name string) (general string, index []int) {
	words := strings.Split(name, "_")
	for i, word := range words {
		if n, ok := smallNumber(word); ok {
			words[i], index = "N", append(index, n)
		}
	}
	return strings.Join(words, "_"), index
}

func smallNumber(word string) (int, bool) {
	if word == "" || len(word) > 6 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(word) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
