package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// schema says which keys a form has and which setting each of them is. Keys are
// patterns: "jobs[].source.dsn", with [] for each element of a list.
type schema struct {
	seed     bool                // letter case is free, an unknown key is a warning
	leaves   map[string]leaf     // by folded pattern
	lists    map[string]string   // folded pattern of a list: its canonical pattern
	children map[string][]string // folded pattern of a section: names in it
	names    map[string]string   // canonical pattern: pattern of this form
}

// leaf is a key that holds a value.
type leaf struct {
	target string        // canonical pattern
	unit   time.Duration // of a bare number; 0: durations have units
}

const (
	jobsPattern         = "jobs[]"
	destinationsPattern = "jobs[].destinations[]"
)

// aliases are other names of settings, in the job form and among the variables.
var aliases = []struct{ alias, key string }{
	{"redis.addrs", "redis.addr"},
	{"notify.pushbearSendKey", "alerts.pushbear.sendKey"},
	{"notify.pushbearBaseURL", "alerts.pushbear.baseURL"},
}

// jobSchema has every setting by its own key, what jobs share in `defaults`, and
// the callback settings in each destination.
func jobSchema() *schema {
	s := &schema{lists: map[string]string{"jobs": "jobs", "jobs[].destinations": "jobs[].destinations"}}
	for _, setting := range Defaults() {
		for _, key := range places(setting.Key) {
			s.add(key, leaf{target: key})
		}
	}
	for _, a := range aliases {
		s.add(a.alias, leaf{target: a.key})
		s.names[a.key] = a.key
	}
	return s
}

// seedSchema has the keys of the seed's page and the few that came later.
func seedSchema() *schema {
	s := &schema{seed: true, lists: map[string]string{"des": "jobs[].destinations"}}
	for _, setting := range Defaults() {
		if setting.SeedKey != "" {
			s.add(setting.SeedKey, leaf{target: seedTarget(setting), unit: unitOf(setting.SeedKey)})
		}
	}
	s.add("redis.addrs", leaf{target: "redis.addr"})
	s.add("pushbearBaseURL", leaf{target: "alerts.pushbear.baseURL"})
	s.names["redis.addr"], s.names["alerts.pushbear.baseURL"] = "redis.addr", "src.pushbearBaseURL"
	s.names["jobs[].destinations"], s.names[destinationsPattern] = "des", "des[]"
	return s
}

// seedTarget is where a seed key's value goes: the seed form has the callback's
// URL in each destination and its times once for all.
func seedTarget(s Setting) string {
	if strings.HasPrefix(s.SeedKey, "des[]") && strings.HasPrefix(s.Key, jobsPattern+".callback.") {
		return strings.Replace(s.Key, jobsPattern, destinationsPattern, 1)
	}
	return s.Key
}

// unitOf reads the unit of a seed key from its end.
func unitOf(seedKey string) time.Duration {
	switch {
	case strings.HasSuffix(seedKey, "Millisecond"):
		return time.Millisecond
	case strings.HasSuffix(seedKey, "Second"):
		return time.Second
	}
	return 0
}

func (s *schema) add(pattern string, l leaf) {
	if s.leaves == nil {
		s.leaves, s.children, s.names = map[string]leaf{}, map[string][]string{}, map[string]string{}
	}
	s.leaves[s.fold(pattern)] = l
	s.names[l.target] = pattern
	for pattern != "" {
		parent, name := "", pattern
		if i := strings.LastIndexByte(pattern, '.'); i >= 0 {
			parent, name = pattern[:i], pattern[i+1:]
		}
		s.child(parent, strings.TrimSuffix(name, "[]"))
		pattern = parent
	}
}

func (s *schema) child(parent, name string) {
	parent = s.fold(parent)
	if slices.Contains(s.children[parent], name) {
		return
	}
	s.children[parent] = append(s.children[parent], name)
}

func (s *schema) fold(key string) string {
	if s.seed {
		return strings.ToLower(key)
	}
	return key
}

// places are the patterns at which a setting may stand: its own first, then
// where it is shared or overridden.
func places(pattern string) []string {
	all := []string{pattern}
	inJob, ok := strings.CutPrefix(pattern, jobsPattern+".")
	if !ok {
		return all
	}
	if inCallback, ok := strings.CutPrefix(inJob, "callback."); ok {
		all = append(all, destinationsPattern+".callback."+inCallback)
	}
	if inJob != "name" && !strings.HasPrefix(inJob, "source.") && !strings.HasPrefix(inJob, "destinations") {
		all = append(all, "defaults."+inJob)
	}
	return all
}

// fallbacks are the keys that a key's value is looked up at, nearest first.
func fallbacks(key string) []string {
	all := []string{key}
	parts := strings.Split(key, ".")
	if len(parts) < 3 || parts[0] != "jobs" {
		return all
	}
	inJob := parts[2:]
	if inJob[0] == "destinations" {
		if len(inJob) < 4 || inJob[2] != "callback" {
			return all
		}
		inJob = inJob[2:]
		all = append(all, strings.Join(parts[:2], ".")+"."+strings.Join(inJob, "."))
	}
	return append(all, "defaults."+strings.Join(inJob, "."))
}

// patternOf turns a key ("jobs.0.source.dsn") into its pattern and its numbers.
func patternOf(key string) (string, []int) {
	var pattern []byte
	var index []int
	for part := range strings.SplitSeq(key, ".") {
		if n, err := strconv.Atoi(part); err == nil && len(pattern) > 0 {
			pattern, index = append(pattern, "[]"...), append(index, n)
			continue
		}
		if len(pattern) > 0 {
			pattern = append(pattern, '.')
		}
		pattern = append(pattern, part...)
	}
	return string(pattern), index
}

// keyOf is the inverse of patternOf.
func keyOf(pattern string, index []int) string {
	for _, n := range index {
		pattern = strings.Replace(pattern, "[]", "."+strconv.Itoa(n), 1)
	}
	return pattern
}

// display is a pattern with its numbers as users write them: "jobs[0].source.dsn".
func display(pattern string, index []int) string {
	for _, n := range index {
		pattern = strings.Replace(pattern, "[]", "["+strconv.Itoa(n)+"]", 1)
	}
	return pattern
}

// nameOf is how the user of this form would write a key.
func (s *schema) nameOf(key string) string {
	pattern, index := patternOf(key)
	name, ok := s.names[pattern]
	if !ok {
		return display(pattern, index)
	}
	if s.seed && strings.HasPrefix(pattern, jobsPattern) {
		index = index[1:]
	}
	return display(name, index)
}
